package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"toolgate/shared/access"
	"toolgate/shared/audit"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/policy"
	"toolgate/shared/seal"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/shared/sweep"
	"toolgate/shared/telemetry"
)

// defaultAddress is where the gateway listens unless told otherwise.
const defaultAddress = "127.0.0.1:8080"

// exampleDir is the folder served when none is given, seen from the root of the
// repository.
var exampleDir = filepath.Join("local", "examples", "gateway")

func serve(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	store := flags.String("store", "", "the `URL` of the store for subscriptions (default $"+storeVariable+", or "+storeFile+" in the folder once a subscription key is needed, or there is a budget or an audit)")
	address := flags.String("listen", "", "the `address` to listen on (default "+defaultAddress+", or a free port when that is taken)")
	record := flags.String("record", "", "a `file` to which calls of MCP servers, and requests to APIs without a body, are appended as records, for explain --replay")
	candidate := flags.String("shadow", "", "the `folder` of a candidate that every call is run through as well, without effect, in place of \"shadow\" in gateway.yaml")
	differences := flags.String("differences", "", "a `file` to which what the candidate decides otherwise is appended, for shadow report (default: the terminal)")
	plain := flags.Bool("plain", false, "print lines only, without the live table at the end of a terminal")
	var files tlsFiles
	files.flags(flags)
	args, err := c.parse(flags, 0, 1)
	if err != nil {
		return err
	}
	s := &server{
		stdout: c.stdout, env: c.env, storeURL: storeURL(*store, c.env), secret: seal.RandomSecret(),
		candidate: *candidate, live: newLive(time.Now), ended: ctx,
	}
	if terminal := openScreen(c, s.live, *plain); terminal != nil {
		s.stdout = terminal
		defer terminal.close()
	}
	s.log = terminalLog(s.stdout)
	closeLog, err := s.openDifferences(*differences)
	if err != nil {
		return err
	}
	defer closeLog()
	if s.tls, err = files.config(); err != nil {
		return err
	}
	if s.recorder, err = openRecorder(*record, s.log); err != nil {
		return err
	}
	defer s.recorder.close()
	if len(args) == 1 {
		s.dir = args[0]
	} else if err := s.startExample(ctx); err != nil {
		return err
	}
	defer s.closeStore()
	if err := s.load(ctx); err != nil {
		return err
	}
	seen := watched{}
	seen.changed(s.files) // before anybody is told that a change will be served
	go seen.everyChange(ctx, func() []string { return s.files }, func() { s.reload(ctx) })
	defer s.close()
	defer context.AfterFunc(ctx, func() { s.current.Load().EndStreams() })()
	return s.listen(ctx, *address)
}

// server is the running gateway and the folder it came from.
type server struct {
	stdout io.Writer
	log    *slog.Logger
	dir    string
	env    func(string) (string, bool)
	secret []byte      // seals session ids, over reloads too
	tls    *tls.Config // nil: plain HTTP
	// candidate is the folder of one that was named; empty for that of gateway.yaml.
	candidate   string
	differences *slog.Logger // of the candidate; nil: log
	// store has the subscriptions; nil where none is needed and none is named.
	store    state.Store
	storeURL string // what was named; empty for the folder's own
	// memory has the approvals, and the traces, where there is no store, over reloads too.
	memory state.Memory
	// stopSweep is set with store, and returns when the sweep has ended.
	stopSweep func()
	recorder  *recorder // nil: calls are not recorded
	live      *live
	ended     context.Context // ends with the command, and the streams of pages with it
	current   atomic.Pointer[running]
	files     []string // to watch
}

// running is one configuration being served.
type running struct {
	*gateway.Renewing
	snapshot *snapshot.Snapshot
	recorder *telemetry.Recorder // nil: nothing is recorded
	trail    *audit.Trail        // nil: there is no audit
}

// Close closes the gateway, exports what is left of its telemetry and writes what is
// left of its audit.
func (r *running) Close() error {
	defer r.recorder.CloseWithin(2 * time.Second)
	defer r.trail.CloseWithin(2 * time.Second)
	return r.Renewing.Close()
}

// load compiles the folder and serves it from now on. On error what was served
// before goes on.
func (s *server) load(ctx context.Context) error {
	result, files, err := compileBeside(ctx, s.dir, s.candidate, s.env)
	s.files = files
	if err != nil {
		return err
	}
	snap, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		return err
	}
	subscriptions, err := s.subscriptions(ctx, snap)
	if err != nil {
		return err
	}
	found := secrets(s.env, s.log)
	if err := found.Read(ctx, snap.SecretReferences()); err != nil {
		return err // who sits here mends it at once
	}
	recorder, err := gateway.OpenTelemetry(snap, gateway.TelemetryOptions{Environment: s.env, Secrets: found.Resolve, Identity: &developer{}, Log: s.log})
	if err != nil {
		return err
	}
	trail, err := gateway.OpenAudit(snap, gateway.AuditOptions{
		Store: s.store, Secrets: found.Resolve, Log: s.log, Lines: slog.New(slog.NewJSONHandler(s.stdout, nil)),
	})
	if err != nil {
		return err
	}
	g, err := gateway.NewRenewing(ctx, snap, gateway.Options{
		Telemetry:     recorder,
		Audit:         trail,
		Subscriptions: subscriptions,
		SignIns:       s.store,
		Traces:        cmp.Or[state.Store](s.store, &s.memory),
		Trace:         s.keepTrace, TraceBodies: s.recorder.bodies(),
		Approvals: cmp.Or[state.Store](s.store, &s.memory),
		Log:       s.log, Observe: s.observe, SealingSecret: s.secret,
		Services:    services.New(services.Options{Log: s.log, Store: s.store}),
		Connections: s.store, Files: os.DirFS(s.dir), AWS: environmentSigner(s.env),
		ShareTokens: s.store != nil,
		Shadow:      &gateway.ShadowOptions{Services: services.New(services.Options{Log: s.log}), Log: s.differences},
	}, found)
	if err != nil {
		return err
	}
	result.Report.Write(s.stdout, false)
	s.log.Info("serving", "snapshot", snap.Hash)
	if old := s.current.Swap(&running{g, snap, recorder, trail}); old != nil {
		old.EndStreams() // their clients open others, which the new one serves
		// Calls that are on their way through the old one get time to end.
		time.AfterFunc(time.Minute, func() { _ = old.Close() })
	}
	return nil
}

func (s *server) close() { _ = s.current.Load().Close() }

// startSweep removes expired rows of the store, now and every hour.
func (s *server) startSweep(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var sweeping sync.WaitGroup
	sweeping.Go(func() { sweep.Hourly(ctx, sweep.Options{Store: s.store, Log: s.log}) })
	s.stopSweep = func() {
		cancel()
		sweeping.Wait()
	}
}

func (s *server) closeStore() {
	if s.store != nil {
		s.stopSweep()
		_ = s.store.Close() // what was answered is kept
	}
}

// subscriptions finds the subscriptions of keys in the store, which is opened when
// it was named, or is first needed; nil where there is none.
func (s *server) subscriptions(ctx context.Context, snap *snapshot.Snapshot) (policy.Subscriptions, error) {
	if s.store == nil {
		address := s.storeURL
		if address == "" && (takesKeys(&snap.Manifest) || hasBudgets(snap) || keepsConnections(&snap.Manifest) || snap.Audit != nil && snap.Audit.Store) {
			var err error
			if address, err = folderStore(s.dir); err != nil {
				return nil, err
			}
		}
		if address == "" {
			return nil, nil
		}
		var err error
		if s.store, err = openStore(ctx, address, s.env, 0); err != nil {
			return nil, err
		}
		s.startSweep(ctx)
	}
	return access.New(access.Options{Store: s.store, Log: s.log}), nil
}

// takesKeys tells whether any server or API takes subscription keys.
func takesKeys(m *snapshot.Manifest) bool {
	return slices.ContainsFunc(m.Servers, func(s snapshot.Server) bool { return s.SubscriptionKeys != nil }) ||
		slices.ContainsFunc(m.APIs, func(a snapshot.SourceAPI) bool { return a.HasPath && a.SubscriptionKeys != nil })
}

// hasBudgets tells whether a document has the word: what is spent is to be found in
// the store when the gateway has ended.
func hasBudgets(snap *snapshot.Snapshot) bool {
	word := []byte("<budget")
	for i := range snap.Policies {
		if text, err := snap.Policy(i + 1); err == nil && bytes.Contains(text, word) {
			return true
		}
	}
	return slices.ContainsFunc(snap.Fragments, func(f snapshot.Fragment) bool {
		text, err := snap.Fragment(f.ID)
		return err == nil && bytes.Contains(text, word)
	})
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.live.servePage(s.ended, w, r) {
		return
	}
	s.current.Load().ServeHTTP(w, r)
}

// listen serves until ctx ends.
func (s *server) listen(ctx context.Context, address string) error {
	chosen := address != ""
	if !chosen {
		address = defaultAddress
	}
	listen := func(address string) error {
		if s.tls != nil {
			return host.ListenTLS(ctx, address, s.tls, s, s.greet)
		}
		return host.Listen(ctx, address, s, s.greet)
	}
	err := listen(address)
	if !chosen && errors.Is(err, syscall.EADDRINUSE) {
		fmt.Fprintf(s.stdout, "%s is taken, so a free port is used\n", address)
		err = listen("127.0.0.1:0")
	}
	return err
}

// greet tells the reader where everything is.
func (s *server) greet(a net.Addr) {
	base := "http://" + a.String()
	if s.tls != nil {
		base = "https://" + a.String()
	}
	m := &s.current.Load().snapshot.Manifest
	fmt.Fprintf(s.stdout, "\nServing %s. It reloads when a file changes; Ctrl-C stops.\n\n", s.dir)
	table := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	for i := range m.Servers {
		fmt.Fprintf(table, "  %s/%s/mcp\t%s\n", base, m.Servers[i].Name, describe(&m.Servers[i]))
	}
	for _, a := range m.APIs {
		if a.HasPath {
			fmt.Fprintf(table, "  %s/%s\tthe API %s, for HTTP clients\n", base, a.Path, a.Name)
		}
	}
	fmt.Fprintf(table, "  %s%s\tthe live view, for browsers on this machine\n", base, livePath)
	_ = table.Flush() // the terminal
	fmt.Fprintf(s.stdout, "\nFor .vscode/mcp.json (Cursor and Claude take the same entries under \"mcpServers\"):\n\n%s\n\n", clientConfig(base, m))
	fmt.Fprintf(s.stdout, "listening on %s\n\n", base)
}

func (s *server) reload(ctx context.Context) {
	if err := s.load(ctx); err != nil {
		var text strings.Builder // in one piece: calls are printed at the same time
		fmt.Fprintln(&text, "The change is not served; the last good configuration goes on:")
		report(&text, err)
		fmt.Fprint(s.stdout, text.String())
		return
	}
	fmt.Fprintln(s.stdout, "reloaded")
}
