package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"toolgate/shared/build"
	explained "toolgate/shared/explain" // package main has a func of that name
	"toolgate/shared/gatewaytest"
	"toolgate/shared/policy"
	"toolgate/shared/trace"

	"golang.org/x/tools/txtar"
)

// explanation is a command line of explain.
type explanation struct {
	*call
	dir                          string
	server, tool, arguments, ip  string
	request, token, subscription string // files, and a scope
	traceFile, replay            string
	headers                      headerLines
	live                         bool
	bodies                       int
	views
}

// views are where traces are shown beside the terminal; empty: nowhere.
type views struct{ html, json, record string }

func (v *views) flags(flags *flag.FlagSet) {
	flags.StringVar(&v.html, "html", "", "a `file` for a page with a timeline")
	flags.StringVar(&v.json, "json", "", "a `file` for the traces as JSON, a line each")
	flags.StringVar(&v.record, "record", "", "a `file` to which the calls are appended as records, for --replay")
}

// headerLines are headers of the command line.
type headerLines []string

// String serves flag.Value.
func (h *headerLines) String() string { return strings.Join(*h, ", ") }

// Set serves flag.Value.
func (h *headerLines) Set(line string) error {
	if name, _, ok := strings.Cut(line, ":"); !ok || strings.TrimSpace(name) == "" || strings.ContainsAny(line, "\r\n") {
		return errors.New(`write "Name: value"`)
	}
	*h = append(*h, line)
	return nil
}

// explainRequests runs requests through a folder and shows the way they take.
func explainRequests(ctx context.Context, c *call) error {
	e := &explanation{call: c}
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	flags.StringVar(&e.server, "server", "", "the `name` of the server to call")
	flags.StringVar(&e.tool, "tool", "", "the `name` of the tool to call; without it, the server's tools are listed")
	flags.StringVar(&e.arguments, "args", "{}", "the arguments, as `JSON`")
	flags.Var(&e.headers, "header", `a "`+"`Name: value`"+`" of the request; may be given several times`)
	flags.StringVar(&e.ip, "ip", "", "the `address` of the client")
	flags.StringVar(&e.token, "token", "", "a `file` with the claims of the caller's token, as JSON")
	flags.StringVar(&e.subscription, "subscription", "", "the `scope` of the caller's subscription: all, product:NAME, server:NAME or api:NAME")
	flags.StringVar(&e.request, "request", "", "a `file` with requests and responses of backends, as tests have them, in place of --server")
	flags.StringVar(&e.traceFile, "trace", "", "a `file` with a trace to show, in place of running a request")
	flags.StringVar(&e.replay, "replay", "", "a `file` of records to run through the folder; what is decided otherwise is listed")
	flags.BoolVar(&e.live, "live", false, "let requests reach the backends, with the secrets of the environment")
	flags.IntVar(&e.bodies, "bodies", 0, "show up to so many `bytes` of bodies")
	e.views.flags(flags)
	args, err := c.parse(flags, 0, 1)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		e.dir = args[0]
	}
	return e.run(ctx)
}

func (e *explanation) run(ctx context.Context) error {
	if e.traceFile != "" {
		content, err := os.ReadFile(e.traceFile)
		if err != nil {
			return err
		}
		t, err := trace.Parse(content)
		if err != nil {
			return err
		}
		return e.show(e.call, []*trace.Trace{t})
	}
	if e.dir == "" {
		return errors.New("name the folder: go run ./local explain DIR")
	}
	folder := &gatewaytest.Folder{Dir: e.dir, Fetch: build.HTTPFetch, Env: e.env}
	if e.replay != "" {
		return e.runReplay(ctx, folder)
	}
	archive, err := e.archive()
	if err != nil {
		return err
	}
	o := gatewaytest.ExplainOptions{Live: e.live, Bodies: e.bodies, Clock: true}
	if e.live {
		o.Secrets = func(refs []string) (func(string) (string, error), error) {
			found := secrets(e.env, nil)
			return found.Resolve, found.Read(ctx, refs)
		}
	}
	if e.record != "" {
		o.Bodies = max(o.Bodies, recordedBytes)
	}
	if e.token != "" {
		if o.Claims, err = os.ReadFile(e.token); err != nil {
			return err
		}
	}
	if e.subscription != "" {
		if o.Subscription, err = policy.ParseSubscriptionScope(e.subscription); err != nil {
			return err
		}
	}
	traces, err := gatewaytest.Explain(ctx, archive, folder, o)
	if err != nil {
		return err
	}
	return e.show(e.call, traces)
}

// recordedBytes bounds what is recorded of the params of a call.
const recordedBytes = 64 << 10

// archive is the request as a test.
func (e *explanation) archive() (*txtar.Archive, error) {
	switch {
	case e.request != "" && e.server != "":
		return nil, errors.New("give --request or --server, not both")
	case e.request != "":
		content, err := os.ReadFile(e.request)
		return txtar.Parse(content), err
	case e.server == "":
		return nil, errors.New("say which request: --server with --tool and --args, --request FILE, --trace FILE or --replay FILE")
	}
	a := &txtar.Archive{}
	if e.ip != "" {
		a.Files = append(a.Files, txtar.File{Name: "settings", Data: []byte("ip: " + e.ip + "\n")})
	}
	kind := "list " + e.server
	if e.tool != "" {
		kind = "call " + e.server + " " + e.tool
	}
	var text strings.Builder
	for _, line := range e.headers {
		text.WriteString(line + "\n")
	}
	text.WriteString("\n" + e.arguments + "\n")
	a.Files = append(a.Files, txtar.File{Name: kind, Data: []byte(strings.TrimPrefix(text.String(), "\n"))})
	return a, nil
}

// runReplay lists the records that the folder decides otherwise.
func (e *explanation) runReplay(ctx context.Context, folder *gatewaytest.Folder) error {
	file, err := os.Open(e.replay)
	if err != nil {
		return err
	}
	defer file.Close()
	records, err := trace.ReadRecords(file)
	if err != nil {
		return fmt.Errorf("%s: %w", e.replay, err)
	}
	if len(records) == 0 {
		return fmt.Errorf("%s has no records", e.replay)
	}
	list, err := gatewaytest.Replay(ctx, folder, records)
	if err != nil {
		return err
	}
	different := 0
	var traces []*trace.Trace
	for i, one := range list {
		decision := one.Trace.Decision()
		lines := one.Record.Decision.Differences(&decision)
		if len(lines) == 0 {
			continue
		}
		different++
		traces = append(traces, one.Trace)
		fmt.Fprintf(e.stdout, "record %d  %s  %s %s %s\n", i+1, formatTime(one.Record.Time), printable(one.Record.Server), printable(one.Record.Method), printable(one.Trace.Name))
		for _, line := range lines {
			fmt.Fprintf(e.stdout, "    %s\n", printable(line))
		}
	}
	if err := e.write(traces); err != nil {
		return err
	}
	if different > 0 {
		return fmt.Errorf("%d of %s decided otherwise", different, count(len(list), "record"))
	}
	fmt.Fprintf(e.stdout, "%s decided as before\n", count(len(list), "record"))
	return nil
}

// show shows traces in the terminal, and where else they are wanted.
func (v *views) show(c *call, traces []*trace.Trace) error {
	for i, t := range traces {
		if i > 0 {
			fmt.Fprintln(c.stdout)
		}
		if err := explained.Table(c.stdout, t, c.colour()); err != nil {
			return err
		}
	}
	return v.write(traces)
}

// write writes the files.
func (v *views) write(traces []*trace.Trace) error {
	var page, lines, records bytes.Buffer
	if err := explained.Page(&page, "Request trace", traces); err != nil {
		return err
	}
	for _, t := range traces {
		lines.Write(append(t.JSON(), '\n'))
		if r := t.Record(); r != nil {
			line, err := trace.AppendRecord(nil, r)
			if err != nil {
				return err
			}
			records.Write(line)
		}
	}
	if v.html != "" {
		if err := os.WriteFile(v.html, page.Bytes(), 0o600); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
	}
	if v.json != "" {
		if err := os.WriteFile(v.json, lines.Bytes(), 0o600); err != nil {
			return fmt.Errorf("writing the traces: %w", err)
		}
	}
	if v.record == "" {
		return nil
	}
	if records.Len() == 0 && len(traces) > 0 {
		return errors.New("the trace does not say what was asked: issue the debug token with --bodies")
	}
	file, err := os.OpenFile(v.record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the records: %w", err)
	}
	_, err = io.Copy(file, &records)
	return errors.Join(err, file.Close())
}

// colour tells whether the terminal takes colours (https://no-color.org).
func (c *call) colour() bool {
	if no, _ := c.env("NO_COLOR"); no != "" {
		return false
	}
	file, ok := c.stdout.(*os.File)
	if !ok {
		return false
	}
	about, err := file.Stat()
	return err == nil && about.Mode()&os.ModeCharDevice != 0
}
