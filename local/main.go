// Command local is toolgate on one machine: it serves a folder, or the example,
// and checks and builds what the cloud will run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"toolgate/shared/fault"
)

// command is one word of the command line.
type command struct {
	name, arguments, summary string
	run                      func(ctx context.Context, c *call) error
}

// call is one run of a command.
type call struct {
	command *command
	args    []string
	stdout  io.Writer
	stderr  io.Writer
	env     func(string) (string, bool)
}

// exitError ends a command that has printed what there is to say with another code.
type exitError int

func (c exitError) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// errUsage is returned for a command line that cannot be run; what is wrong was
// printed.
var errUsage = errors.New("usage")

func commands() []command {
	return []command{
		{"serve", "[DIR]", "serve the folder DIR, or the example when none is given, and reload it when a file changes", serve},
		{"validate", "DIR", "check the folder and print every fault", validate},
		{"test", "[DIR|FILE…]", "run the tests (*.txtar) of the folder, or of the example when none is given", runTests},
		{"explain", "[DIR]", "run a request through the folder and show the way it takes, or what is decided otherwise of recorded calls", explainRequests},
		{"shadow", "report FILE…", "put together what a candidate decided otherwise, as the lines of a log have it", shadowed},
		{"trace", "token|get …", "issue a debug token (token DIR), or show the trace of a request that had one (get ID DIR)", traces},
		{"build", "DIR", "write the snapshot that the cloud functions load, and the verdict on each operation", buildSnapshot},
		{"package", "azure|lambda [DIR]", "write the package that a cloud runs: the program, the snapshot and what the platform needs", writePackage},
		{"plan", "DIR", "say what would change between what is deployed (--against SNAPSHOT|PACKAGE|RELEASES|URL) and the folder: exit code 0 nothing, 2 changes, 3 breaking ones", planChanges},
		{"release", "PACKAGE", "keep a package among the last ones (--in DIR), and deploy it where --to says", release},
		{"rollback", "[HASH]", "deploy the package before the current one (--in DIR), or the one with this hash", rollback},
		{"cost", "[DIR]", "say what a month costs on Azure Functions and on AWS Lambda, beside API Management: --calls, --latency", monthlyCost},
		{"edge-rules", "DIR", "write what of the folder can be refused before the gateway, for Azure Front Door or AWS WAF: --for frontdoor|waf", edgeRules},
		{"lock", "DIR", "lock the tools of MCP servers in tools.lock, or say what differs from it: --check, --accept SERVER/TOOL, --all", lockTools},
		{"clients", "DIR", "say what clients are given in place of the tools: --server, --profile, --live, --definitions", showClients},
		{"assess", "DIR", "report what toolgate knows of the API Management policy documents below DIR", assess},
		{"keys", "DO [ID]", "create, list, show, rotate, suspend, activate, cancel, reject or delete subscriptions and their keys", manageKeys},
		{"budget", "report [DIR]", "list what was spent of budgets, by key and tool, in this period and in the last one", budget},
		{"audit", "verify|list DIR", "verify the chains of the audit, or list its calls, in the store of a folder or of a deployment, or in a log", manageAudit},
		{"connections", "DO [PROVIDER/ID]", "list, add, remove or test OAuth connections, of get-authorization-context and of upstreams", manageConnections},
		{"import", "KIND SOURCE DIR", "begin a folder from an OpenAPI document (KIND openapi: a path or URL), or from a Logic App, a Function App or API Management (logicapp, functionapp, apim: a resource id, or --from-file)", importFolder},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.LookupEnv)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0, 1 for a fault in what was given, 2 for a command
// line that cannot be run.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, env func(string) (string, bool)) int {
	name, named := "serve", len(args) > 0 && args[0] != "" && args[0][0] != '-'
	if named {
		name, args = args[0], args[1:]
	}
	if name == "help" || !named && len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		usage(stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name == name {
			return report(stderr, c.run(ctx, &call{command: &c, args: args, stdout: stdout, stderr: stderr, env: env}))
		}
	}
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	fmt.Fprintf(stderr, "there is no command %q", name)
	if near := fault.Nearest(name, names); near != "" {
		fmt.Fprintf(stderr, "; did you mean %q?", near)
	}
	fmt.Fprint(stderr, "\n\n")
	usage(stderr)
	return 2
}

func report(stderr io.Writer, err error) int {
	faults, isFaults := errors.AsType[fault.Faults](err)
	code, isCode := errors.AsType[exitError](err)
	switch {
	case isCode:
		return int(code)
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	case isFaults:
		printFaults(stderr, faults)
	default:
		fmt.Fprintln(stderr, err)
	}
	return 1
}

func printFaults(w io.Writer, faults fault.Faults) {
	for _, f := range faults {
		fmt.Fprintln(w, f)
	}
	if len(faults) == 1 {
		fmt.Fprintln(w, "1 fault")
		return
	}
	fmt.Fprintf(w, "%d faults\n", len(faults))
}

func usage(w io.Writer) {
	fmt.Fprint(w, "toolgate: REST APIs and MCP servers behind one governed gateway\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  go run ./local %-27s %s\n", c.name+" "+c.arguments, c.summary)
	}
	fmt.Fprint(w, "\nWithout a command the example is served. A command's flags: go run ./local COMMAND -h\n")
}

// unknown reports that a command does not do what its first argument says.
func (c *call) unknown(do string, known ...string) error {
	fmt.Fprintf(c.stderr, "%s knows no %q: %s\n", c.command.name, do, fault.Suggest(do, known, ""))
	return errUsage
}

// subcommand is the one of the things that a command does which its first argument names.
func subcommand[T any](c *call, do string, all []T, name func(*T) string) (*T, error) {
	var names []string
	for i := range all {
		if name(&all[i]) == do {
			return &all[i], nil
		}
		names = append(names, name(&all[i]))
	}
	return nil, c.unknown(do, names...)
}

// parse reads the flags and between least and most arguments, in any order.
func (c *call) parse(flags *flag.FlagSet, least, most int) ([]string, error) {
	flags.SetOutput(c.stderr)
	flags.Usage = func() {
		fmt.Fprintf(c.stderr, "go run ./local %s %s\n\n%s.\n", c.command.name, c.command.arguments, c.command.summary)
		flags.PrintDefaults()
	}
	var positional []string
	rest := c.args
	for {
		if err := flags.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		if rest = flags.Args(); len(rest) == 0 {
			break
		}
		positional, rest = append(positional, rest[0]), rest[1:]
	}
	if len(positional) < least || len(positional) > most {
		flags.Usage()
		return nil, errUsage
	}
	return positional, nil
}
