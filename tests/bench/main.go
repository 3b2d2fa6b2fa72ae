// Command bench measures what a call and a start of the gateway cost, beside
// what they cost without it, and what policies cost, in one run on one machine:
//
//	go run ./tests/bench
//	go run ./tests/bench state   # what limits cost that instances share
//
// CPU time is that of the serving process alone, which runs with GOMAXPROCS=1;
// requests come over loopback from this process. On Linux it has one CPU for itself;
// those who call it, and those whom it calls, have the others. The cases take turns
// in several rounds, each with several processes, and the cheapest round of each
// counts: what else the machine does can only add to it. Compare ratios between rows
// of one run; the numbers of two machines, or of two runs, say little side by side.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"toolgate/tests/peer"
)

// options are the command line.
type options struct {
	rounds, calls, starts int
	json, check           bool
	profiles              string
}

func main() {
	peer.Supervise()
	if serveRole(os.Args[1:]) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command returns the exit code: 0; 1 when something could not be measured or,
// with -check, when a figure is over its bound; 2 for a faulty command line.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "state" {
		return stateCommand(ctx, args[1:], stdout, stderr)
	}
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 20, "`rounds` of calls to each process")
	flags.IntVar(&o.calls, "calls", 500, "`calls` in a round")
	flags.IntVar(&o.starts, "starts", 20, "cold `starts` with each catalogue")
	flags.BoolVar(&o.json, "json", false, "print JSON in place of tables")
	flags.BoolVar(&o.check, "check", false, "exit with 1 when a figure is over its bound")
	flags.StringVar(&o.profiles, "profiles", "", "write a CPU profile of each serving process into this `folder`")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || o.rounds < 1 || o.calls < 1 || o.starts < 1 {
		return 2
	}
	r, err := measure(ctx, o)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	if o.json {
		err = r.writeJSON(stdout)
	} else {
		err = r.write(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	if o.check && r.over() {
		return 1
	}
	return 0
}

// measure runs everything.
func measure(ctx context.Context, o options) (*report, error) {
	dir, err := os.MkdirTemp("", "toolgate-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the snapshots: %w", err)
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, dir: dir}
	defer b.stop()
	if b.root, err = moduleRoot(ctx); err != nil {
		return nil, err
	}
	r := &report{Rounds: o.rounds, Calls: o.calls, Starts: o.starts, Concurrency: concurrency}
	if r.Chains, err = b.measureChains(ctx); err != nil { // first: nothing else runs yet
		return nil, err
	}
	if r.Costs, err = b.measureCalls(ctx); err != nil {
		return nil, err
	}
	if r.Validations, err = b.measureValidations(ctx); err != nil {
		return nil, err
	}
	if r.Expressions, err = b.measureExpressions(); err != nil {
		return nil, err
	}
	if r.PolicyDocuments, err = b.measureDocuments(); err != nil {
		return nil, err
	}
	if r.Searches, err = b.measureSearches(); err != nil {
		return nil, err
	}
	if r.ColdStarts, err = b.measureStarts(ctx); err != nil {
		return nil, err
	}
	return r, nil
}
