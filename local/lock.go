package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"toolgate/shared/access"
	"toolgate/shared/build"
	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/shared/toolslock"

	"github.com/go-json-experiment/json/jsontext"
)

// errUnreviewed ends `lock --check`; what differs was printed.
var errUnreviewed = errors.New("tools differ from " + toolslock.FileName + ": review them, and release them with --accept SERVER/TOOL or --all")

// lockTools asks all upstreams for their tools, and writes tools.lock or says what
// differs from it.
func lockTools(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("lock", flag.ContinueOnError)
	check := flags.Bool("check", false, "write nothing, and exit with 1 when something differs")
	all := flags.Bool("all", false, "release everything that differs")
	store := flags.String("store", "", "the `URL` of the store, where an upstream is called with tokens that users consented to (default $"+storeVariable+", or "+storeFile+" in the folder)")
	var accepted []string
	flags.Func("accept", "release one `SERVER/TOOL`; may be repeated, and more may follow DIR", func(s string) error {
		accepted = append(accepted, s)
		return nil
	})
	args, err := c.parse(flags, 1, 1000)
	if err != nil {
		return err
	}
	more := args[1:]
	if len(more) > 0 && len(accepted) == 0 || *check && (*all || len(accepted) > 0) {
		flags.Usage()
		return errUsage
	}
	l := &lockRun{dir: args[0], out: c.stdout, env: c.env, storeURL: storeURL(*store, c.env), accepted: append(accepted, more...), all: *all, check: *check}
	return l.run(ctx)
}

// lockRun is one run of the command.
type lockRun struct {
	dir        string
	out        io.Writer
	env        func(string) (string, bool)
	storeURL   string
	accepted   []string // SERVER/TOOL
	all, check bool

	reviewed toolslock.Lock // as the file has it; empty where there is none
	next     toolslock.Lock // as it is to be
	tokens   state.Store    // of upstreams that users consented to
	differs  bool
}

func (l *lockRun) run(ctx context.Context) error {
	cfg, faults := config.Load(l.dir, l.env)
	if len(faults) > 0 {
		return faults
	}
	if err := l.read(cfg.ToolsLock); err != nil {
		return err
	}
	upstreams, err := l.upstreams(cfg)
	if err != nil {
		return err
	}
	g, err := l.gateway(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(g.Close(), l.tokens.Close()) }() // what was listed was listed
	var errs []error
	for _, s := range upstreams {
		definitions, err := g.UpstreamTools(ctx, s.Name)
		if err == nil {
			err = l.compare(&s, definitions)
		}
		errs = append(errs, err)
	}
	l.leaveOut(upstreams)
	errs = append(errs, l.finish())
	return errors.Join(errs...)
}

// read reads the file.
func (l *lockRun) read(path string) error {
	l.reviewed, l.next = toolslock.Lock{}, toolslock.Lock{}
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", toolslock.FileName, err)
	}
	if l.reviewed, err = toolslock.Read(bytes.NewReader(content)); err != nil {
		return err
	}
	for server, tools := range l.reviewed {
		l.next[server] = maps.Clone(tools)
	}
	return nil
}

// upstreams are the servers in front of MCP servers. What is to be released must be
// of one of them.
func (l *lockRun) upstreams(cfg *config.Config) ([]config.Server, error) {
	var list []config.Server
	var names []string
	for _, s := range cfg.Servers {
		if s.Upstream != nil {
			list, names = append(list, s), append(names, s.Name)
		}
	}
	if list == nil {
		return nil, fmt.Errorf("%s has no server with an upstream, whose tools could be locked", l.dir)
	}
	for _, a := range l.accepted {
		server, tool, ok := strings.Cut(a, "/")
		if !ok || tool == "" {
			return nil, fmt.Errorf("%q names no tool: write SERVER/TOOL", a)
		}
		if !slices.Contains(names, server) {
			return nil, fmt.Errorf("%q is of an unknown server: %s", a, fault.Suggest(server, names, "there is none"))
		}
	}
	return list, nil
}

// gateway makes a gateway that serves nobody: it has the upstreams' clients. What
// tools.lock would have it refuse is what is asked for here.
func (l *lockRun) gateway(ctx context.Context, cfg *config.Config) (*gateway.Gateway, error) {
	open := *cfg
	open.ToolsLock, open.Servers = "", nil
	for _, s := range cfg.Servers {
		if s.Upstream != nil {
			upstream := *s.Upstream
			upstream.Lock = nil
			s.Upstream = &upstream
		}
		open.Servers = append(open.Servers, s)
	}
	result, err := build.Build(ctx, &open, build.HTTPFetch)
	if err != nil {
		return nil, err
	}
	snap, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		return nil, err
	}
	if l.tokens, err = l.store(ctx, snap); err != nil {
		return nil, err
	}
	return gateway.New(snap, gateway.Options{
		Secrets: host.Secrets(l.env), Services: services.New(services.Options{}), Connections: l.tokens,
		Files: os.DirFS(l.dir), AWS: environmentSigner(l.env), Subscriptions: access.New(access.Options{Store: l.tokens}),
	})
}

// store has the tokens of upstreams that users consented to. Where there are none
// nothing is kept.
func (l *lockRun) store(ctx context.Context, snap *snapshot.Snapshot) (state.Store, error) {
	consented := slices.ContainsFunc(snap.Servers, func(s snapshot.Server) bool {
		return s.Upstream != nil && s.Upstream.Credentials.OAuth != nil
	})
	if !consented {
		return &state.Memory{}, nil
	}
	return commandStore(ctx, l.storeURL, l.dir, l.env)
}

// compare prints what differs at one server and takes over what is released.
func (l *lockRun) compare(s *config.Server, definitions []jsontext.Value) error {
	now := toolslock.Tools{}
	for _, d := range definitions {
		name, tool, err := toolslock.NewTool(d)
		switch {
		case err != nil:
			fmt.Fprintf(l.out, "%s: a tool is left out: %v\n", s.Name, err)
			continue
		case !published(s, name):
			continue
		}
		if _, twice := now[name]; twice {
			return fmt.Errorf("the server behind %q lists %q twice, so it is not known which one is meant", s.Name, name)
		}
		now[name] = tool
	}
	reviewed, known := l.reviewed[s.Name]
	if !known && !l.check {
		l.next[s.Name] = now
		fmt.Fprintf(l.out, "%s: %d tools locked for the first time\n", s.Name, len(now))
		return nil
	}
	differences := toolslock.Compare(reviewed, now)
	l.differs = l.differs || !known || len(differences) > 0
	switch {
	case !known:
		fmt.Fprintf(l.out, "%s: not locked\n", s.Name)
	case len(differences) == 0:
		fmt.Fprintf(l.out, "%s: %d tools, as they were reviewed\n", s.Name, len(now))
	default:
		fmt.Fprintf(l.out, "%s: %d of %d tools differ from what was reviewed\n", s.Name, len(differences), len(now))
	}
	if err := toolslock.Print(l.out, differences); err != nil {
		return err
	}
	return l.release(s.Name, differences, now)
}

// published reports whether a tool of an upstream is one that the gateway publishes.
func published(s *config.Server, name string) bool {
	return s.Upstream.Tools == nil || slices.ContainsFunc(s.Upstream.Tools, func(t config.Selection) bool { return t.Tool == name })
}

// release takes over the differences that were accepted.
func (l *lockRun) release(server string, differences []toolslock.Difference, now toolslock.Tools) error {
	var unknown []error
	for _, a := range l.accepted {
		if of, tool, _ := strings.Cut(a, "/"); of == server && !slices.ContainsFunc(differences, func(d toolslock.Difference) bool { return d.Tool == tool }) {
			unknown = append(unknown, fmt.Errorf("%q does not differ: there is nothing to release", a))
		}
	}
	for _, d := range differences {
		if !l.all && !slices.Contains(l.accepted, server+"/"+d.Tool) {
			continue
		}
		delete(l.next[server], d.From) // empty unless it was renamed
		delete(l.next[server], d.Tool)
		if tool, ok := now[d.Tool]; ok {
			l.next[server][d.Tool] = tool
		}
		fmt.Fprintf(l.out, "%s/%s: released\n", server, toolslock.Visible([]byte(d.Tool)))
	}
	return errors.Join(unknown...)
}

// leaveOut drops the servers that are no upstreams any more.
func (l *lockRun) leaveOut(upstreams []config.Server) {
	for server := range l.reviewed {
		if slices.ContainsFunc(upstreams, func(s config.Server) bool { return s.Name == server }) {
			continue
		}
		l.differs = true
		fmt.Fprintf(l.out, "%s: no upstream of this name\n", server)
		if l.all {
			delete(l.next, server)
		}
	}
}

// finish writes the file where it has changed.
func (l *lockRun) finish() error {
	if l.check {
		if l.differs {
			return errUnreviewed
		}
		return nil
	}
	var before, after bytes.Buffer
	if err := errors.Join(l.reviewed.Write(&before), l.next.Write(&after)); err != nil {
		return err
	}
	if bytes.Equal(before.Bytes(), after.Bytes()) {
		return nil
	}
	path := filepath.Join(l.dir, toolslock.FileName)
	if err := os.WriteFile(path, after.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", toolslock.FileName, err)
	}
	fmt.Fprintf(l.out, "wrote %s\n", path)
	return nil
}
