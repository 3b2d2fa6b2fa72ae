package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"toolgate/shared/audit"
	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/gateway"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json"
)

// auditCommand is what verify and list are told.
type auditCommand struct {
	*call
	store, log string
	keys       []string // references of sealing keys, beside that of the folder
	unkeyed    bool
	json       bool
	only       auditFilter
}

// auditFilter chooses records of calls; what is empty chooses all.
type auditFilter struct {
	server, tool, subject, decision string
	since                           time.Time
}

// manageAudit verifies or lists the audit.
func manageAudit(ctx context.Context, c *call) error {
	a := &auditCommand{call: c}
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	flags.StringVar(&a.store, "store", "", "the `URL` of the store (default $"+storeVariable+", or "+storeFile+" in the folder)")
	flags.StringVar(&a.log, "log", "", "a `file` with lines of the log, in place of the store; - is standard input")
	flags.BoolVar(&a.json, "json", false, "print records as JSON, one a line")
	flags.BoolVar(&a.unkeyed, "unkeyed", false, "verify: let pass chains whose hashes are made without a key")
	flags.Func("key", "verify: a `reference` of another sealing key, such as env:OLD_KEY; may be repeated", func(ref string) error {
		a.keys = append(a.keys, ref)
		return nil
	})
	flags.StringVar(&a.only.server, "server", "", "list: calls of a `server`")
	flags.StringVar(&a.only.tool, "tool", "", "list: calls of a `tool`")
	flags.StringVar(&a.only.subject, "subject", "", "list: calls of a `user`, subscription or client application")
	flags.StringVar(&a.only.decision, "decision", "", "list: calls that were `allowed`, refused or failed")
	flags.Func("since", "list: calls since a `time` (RFC 3339, or 2026-01-31), or of the last so long, such as 24h or 7d", func(text string) (err error) {
		a.only.since, err = sinceTime(text, time.Now())
		return err
	})
	args, err := c.parse(flags, 1, 2)
	if err != nil {
		return err
	}
	do, dir := args[0], ""
	if len(args) == 2 {
		dir = args[1]
	}
	switch {
	case do != "verify" && do != "list":
		return c.unknown(do, "verify", "list")
	case dir == "" && a.log == "" && storeURL(a.store, c.env) == "":
		fmt.Fprintln(c.stderr, "audit needs a folder, a --store or a --log")
		return errUsage
	case a.only.decision != "" && !slices.Contains(decisions, a.only.decision):
		fmt.Fprintf(c.stderr, "there is no decision %q: %s\n", a.only.decision, fault.Suggest(a.only.decision, decisions, ""))
		return errUsage
	}
	contents, err := a.read(ctx, dir)
	if err != nil {
		return err
	}
	if do == "list" {
		return a.list(contents)
	}
	return a.verify(ctx, contents, dir)
}

var decisions = []string{string(audit.Allowed), string(audit.Refused), string(audit.Failed)}

// sinceTime is a time, or one so long ago.
func sinceTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, errors.New("write a time, such as 2026-01-31 or 2026-01-31T12:00:00Z, or for how long, such as 24h or 7d")
	}
	return now.Add(-d), nil
}

// read reads the store, or a log.
func (a *auditCommand) read(ctx context.Context, dir string) (contents *audit.Contents, err error) {
	if a.log == "-" {
		return audit.ReadLog(os.Stdin)
	}
	if a.log != "" {
		file, err := os.Open(a.log)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return audit.ReadLog(file)
	}
	store, err := commandStore(ctx, storeURL(a.store, a.env), dir, a.env)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return audit.Read(ctx, store, time.Now())
}

// verify prints what was found of each chain, and every fault.
func (a *auditCommand) verify(ctx context.Context, contents *audit.Contents, dir string) error {
	keys, err := a.openKeys(ctx, dir)
	if err != nil {
		return err
	}
	reports := contents.Verify(audit.VerifyOptions{Keys: keys, Unkeyed: a.unkeyed, Now: time.Now()})
	if len(reports) == 0 {
		fmt.Fprintln(a.stdout, "there is no chain")
		return nil
	}
	faults := 0
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHAIN\tINSTANCE\tFROM\tTO\tRECORDS\tSEGMENTS\tLOST\tHASHES\tEND\tNAMED BY\tFAULTS")
	for i := range reports {
		r := &reports[i]
		faults += len(r.Faults)
		hashes, end := "SHA-256", "open"
		if r.Keyed {
			hashes = "HMAC"
		}
		if r.Ended {
			end = "ended"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%d\t%d\n", printable(r.ID), printable(r.Instance), formatTime(r.From), formatTime(r.To),
			r.Records, r.Segments, r.Lost, hashes, end, r.NamedBy, len(r.Faults))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		for _, f := range r.Faults {
			fmt.Fprintln(a.stdout, printable(f.String()))
		}
	}
	switch faults {
	case 0:
		return nil
	case 1:
		return errors.New("1 fault")
	}
	return fmt.Errorf("%d faults", faults)
}

// openKeys are the keys that hashes may be made with: that of the folder, and those
// that were named.
func (a *auditCommand) openKeys(ctx context.Context, dir string) ([][]byte, error) {
	found := secrets(a.env, slog.New(slog.DiscardHandler))
	refs := slices.Clone(a.keys)
	var own func() ([]byte, error)
	if dir != "" {
		cfg, faults := config.Load(dir, a.env)
		if len(faults) > 0 {
			return nil, faults
		}
		named := snapshot.Manifest{SealingKey: cfg.SealingKey}
		own = gateway.AuditKey(&named, found.Resolve)
		refs = append(refs, named.SecretReferences()...)
	}
	if err := found.Read(ctx, refs); err != nil {
		return nil, err
	}
	var keys [][]byte
	if own != nil {
		key, err := own()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	for _, ref := range a.keys {
		secret, err := found.Resolve(ref)
		if err != nil {
			return nil, err
		}
		key, err := audit.DeriveKey([]byte(secret))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// chooses tells whether a record is wanted.
func (f *auditFilter) chooses(r *audit.Record) bool {
	c := r.Call
	return (f.server == "" || c.Server == f.server) && (f.tool == "" || c.Tool == f.tool) &&
		(f.decision == "" || string(c.Decision) == f.decision) && !r.Time.Before(f.since) &&
		(f.subject == "" || c.Subject == f.subject || c.Subscription == f.subject || c.ClientID == f.subject)
}

// list prints the records that are wanted.
func (a *auditCommand) list(contents *audit.Contents) error {
	var chosen []*audit.Record
	for _, r := range contents.Calls() {
		if a.only.chooses(r) {
			chosen = append(chosen, r)
		}
	}
	if a.json {
		for _, r := range chosen {
			if err := printJSON(a.stdout, r); err != nil {
				return err
			}
		}
		return nil
	}
	if len(chosen) == 0 {
		fmt.Fprintln(a.stdout, "no call was recorded that is asked for")
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tSERVER\tMETHOD\tTOOL\tWHO\tFROM\tDECISION\tSTATUS\tREASON\tPOLICY\tREQUEST")
	for _, r := range chosen {
		c := r.Call
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", formatTime(r.Time), printable(c.Server), printable(c.Method), printable(c.Tool),
			printable(who(c)), printable(c.ClientAddress), printable(string(c.Decision)), c.Status, printable(c.Reason), printable(place(c)), printable(c.RequestID))
	}
	return table.Flush()
}

// who is the caller in a few words.
func who(c *audit.Call) string {
	var parts []string
	for _, part := range []string{c.Subject, c.Subscription, c.ClientID} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " / ")
}

// place is the policy that decided, and where it stands.
func place(c *audit.Call) string {
	text := c.Source
	if c.PolicyID != "" {
		text += "#" + c.PolicyID
	}
	if c.Scope != "" {
		text += " (" + c.Scope + ", " + c.Section + ")"
	}
	return text
}

func printJSON(w io.Writer, r *audit.Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("printing a record: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
