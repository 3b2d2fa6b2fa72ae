package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"toolgate/shared/access"
	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/policy"
)

// keysCommand is one thing that the command keys does.
type keysCommand struct {
	name, arguments string
	most            int // arguments; as many are needed
	run             func(k *keys, ctx context.Context, args []string) error
}

func keysCommands() []keysCommand {
	return []keysCommand{
		{"create", "", 0, (*keys).create},
		{"list", "", 0, (*keys).list},
		{"show", "ID", 1, (*keys).show},
		{"rotate", "ID primary|secondary", 2, (*keys).rotate},
		{"suspend", "ID", 1, toState(access.Suspended)},
		{"activate", "ID", 1, toState(access.Active)},
		{"cancel", "ID", 1, toState(access.Cancelled)},
		{"reject", "ID", 1, toState(access.Rejected)},
		{"delete", "ID", 1, (*keys).delete},
	}
}

// keys is one run of the command.
type keys struct {
	access.Registry
	out    io.Writer
	dir    string // whose names are compared with the scope of a new subscription; empty: none
	env    func(string) (string, bool)
	asked  access.Subscription // what the flags say of a new one
	scope  string
	starts string
	ends   string
	state  string
}

// manageKeys manages subscriptions and their keys.
func manageKeys(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("keys", flag.ContinueOnError)
	k := &keys{out: c.stdout, env: c.env}
	store := flags.String("store", "", "the `URL` of the store (default $"+storeVariable+", or "+storeFile+" in the folder)")
	flags.StringVar(&k.dir, "folder", "", "the `folder` of the gateway (default the example)")
	flags.StringVar(&k.scope, "scope", "", "create: what the keys open, `SCOPE` is all, product:NAME, api:NAME or server:NAME")
	flags.StringVar(&k.asked.ID, "id", "", "create: the `id`, 1 to 64 of a-z, 0-9 and - (default made up)")
	flags.StringVar(&k.asked.Name, "name", "", "create: a `name` for people")
	flags.StringVar(&k.asked.OwnerID, "owner", "", "create: the `id` of the user who owns it")
	flags.StringVar(&k.asked.OwnerEmail, "email", "", "create: the `address` of the owner")
	flags.StringVar(&k.starts, "start", "", "create: the `time` from which the keys work, such as 2026-01-31 or 2026-01-31T12:00:00Z")
	flags.StringVar(&k.ends, "end", "", "create: the `time` at which they end")
	flags.StringVar(&k.state, "state", "", "create: the `state`, active or submitted (default active)")
	args, err := c.parse(flags, 1, 3)
	if err != nil {
		return err
	}
	command, err := subcommand(c, args[0], keysCommands(), func(k *keysCommand) string { return k.name })
	if err != nil {
		return err
	}
	if len(args)-1 != command.most {
		fmt.Fprintf(c.stderr, "write go run ./local keys %s %s\n", command.name, command.arguments)
		return errUsage
	}
	return k.with(ctx, storeURL(*store, c.env), func() error { return command.run(k, ctx, args[1:]) })
}

// with opens the store for something to be done. Without a URL it is that of the
// folder.
func (k *keys) with(ctx context.Context, rawURL string, do func() error) (err error) {
	if rawURL == "" && k.dir == "" {
		if err := hasExample("keys"); err != nil {
			return err
		}
		k.dir = exampleDir
	}
	if k.Store, err = commandStore(ctx, rawURL, k.dir, k.env); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Store.Close()) }()
	return do()
}

func (k *keys) create(ctx context.Context, _ []string) (err error) {
	s := k.asked
	if s.Scope, err = policy.ParseSubscriptionScope(k.scope); err != nil {
		return fmt.Errorf("--scope: %w", err)
	}
	if err := k.known(s.Scope); err != nil {
		return err
	}
	if s.Start, err = parseTime(k.starts); err != nil {
		return fmt.Errorf("--start: %w", err)
	}
	if s.End, err = parseTime(k.ends); err != nil {
		return fmt.Errorf("--end: %w", err)
	}
	if s.State = access.State(cmp.Or(k.state, string(access.Active))); s.State != access.Active && s.State != access.Submitted {
		return fmt.Errorf("--state: a subscription begins as active or submitted, not as %q", k.state)
	}
	made, pair, err := k.Create(ctx, s)
	if err != nil {
		return err
	}
	k.print(&made)
	fmt.Fprintf(k.out, "\nprimary key    %s\nsecondary key  %s\n\n%s\n", pair.Primary, pair.Secondary, once)
	return nil
}

// once is said with keys.
const once = "Keep them now: keys are shown this once, and the store has only their hashes."

// known compares the scope of a new subscription with what the folder has.
func (k *keys) known(scope policy.SubscriptionScope) error {
	if k.dir == "" {
		return nil
	}
	cfg, faults := config.Load(k.dir, k.env)
	if cfg == nil {
		return faults
	}
	var names []string
	switch scope.Kind {
	case policy.AllScope:
		return nil
	case policy.ProductScope:
		for _, p := range cfg.Products {
			names = append(names, p.Name)
		}
	case policy.APIScope:
		for _, a := range cfg.APIs {
			names = append(names, a.Name)
		}
	case policy.ServerScope:
		for _, s := range cfg.Servers {
			names = append(names, s.Name)
		}
	}
	if slices.Contains(names, scope.Name) {
		return nil
	}
	return fmt.Errorf("%s has no %s %q: %s", k.dir, scope.Kind, scope.Name, fault.Suggest(scope.Name, names, "there is none"))
}

// parseTime reads a time, or a day, which begins in UTC; empty is none.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%q is no time: write 2026-01-31 or 2026-01-31T12:00:00Z", text)
	}
	return at.UTC(), nil
}

func (k *keys) list(ctx context.Context, _ []string) error {
	list, err := k.List(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(k.out, "there are no subscriptions")
		return nil
	}
	table := tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSCOPE\tSTATE\tOWNER\tCREATED\tEND")
	for i := range list {
		s := &list[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, printable(s.Name), s.Scope, s.StateAt(time.Now()), printable(cmp.Or(s.OwnerEmail, s.OwnerID)), formatTime(s.Created), formatTime(s.End))
	}
	return table.Flush()
}

func (k *keys) show(ctx context.Context, args []string) error {
	s, err := k.Show(ctx, args[0])
	if err != nil {
		return err
	}
	k.print(&s)
	return nil
}

// print prints a subscription, a field on each line.
func (k *keys) print(s *access.Subscription) {
	table := tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)
	for _, field := range [][2]string{
		{"id", s.ID},
		{"name", printable(s.Name)},
		{"scope", s.Scope.String()},
		{"state", string(s.StateAt(time.Now()))},
		{"owner", printable(s.OwnerID)},
		{"email", printable(s.OwnerEmail)},
		{"created", formatTime(s.Created)},
		{"start", formatTime(s.Start)},
		{"end", formatTime(s.End)},
	} {
		if field[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", field[0], field[1])
		}
	}
	_ = table.Flush() // the terminal
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// printable is a text of a store, or of a client, without what a terminal would obey.
func printable(text string) string {
	out := []rune(text)
	for i, r := range out {
		if !strconv.IsPrint(r) {
			out[i] = '?'
		}
	}
	return string(out)
}

func (k *keys) rotate(ctx context.Context, args []string) error {
	var slot access.Slot
	switch args[1] {
	case access.Primary.String():
	case access.Secondary.String():
		slot = access.Secondary
	default:
		return fmt.Errorf("%q is no key: write primary or secondary", args[1])
	}
	key, err := k.Rotate(ctx, args[0], slot)
	if err != nil {
		return err
	}
	fmt.Fprintf(k.out, "%s key  %s\n\n%s The one before ends within %v.\n", slot, key, once, access.MaxAge)
	return nil
}

// toState makes the command that changes the state of a subscription.
func toState(to access.State) func(*keys, context.Context, []string) error {
	return func(k *keys, ctx context.Context, args []string) error {
		s, err := k.SetState(ctx, args[0], to)
		if err != nil {
			return err
		}
		fmt.Fprintf(k.out, "subscription %s is %s, everywhere within %v\n", s.ID, s.StateAt(time.Now()), access.MaxAge)
		return nil
	}
}

func (k *keys) delete(ctx context.Context, args []string) error {
	if err := k.Delete(ctx, args[0]); err != nil {
		return err
	}
	fmt.Fprintf(k.out, "subscription %s is deleted; its keys end everywhere within %v\n", args[0], access.MaxAge)
	return nil
}
