package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/connection"
	"toolgate/shared/gateway"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
)

// connections is one run of the command.
type connections struct {
	*connection.Keeper
	out        io.Writer
	base       string // the URL of the gateway
	identities []string
	scopes     []string
}

// connectionsCommand is one thing that the command connections does.
type connectionsCommand struct {
	name   string
	named  bool // needs PROVIDER/ID
	stored bool // needs the store
	run    func(c *connections, ctx context.Context, provider, id string) error
}

func connectionsCommands() []connectionsCommand {
	return []connectionsCommand{
		{"list", false, true, (*connections).list},
		{"add", true, false, (*connections).add},
		{"remove", true, true, (*connections).remove},
		{"test", true, true, (*connections).test},
	}
}

// manageConnections manages the OAuth connections of a folder.
func manageConnections(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("connections", flag.ContinueOnError)
	store := flags.String("store", "", "the `URL` of the store (default $"+storeVariable+", or "+storeFile+" in the folder)")
	dir := flags.String("folder", ".", "the `folder` of the gateway")
	base := flags.String("url", "", "add: the `URL` at which your browser reaches the gateway (default publicUrl, or http://"+defaultAddress+")")
	identities := flags.String("identity", "", "add: object `ids` or subjects, with commas, of those who alone may use it, by identity-type=\"jwt\"")
	scopes := flags.String("scope", "", "add: the `scopes` to ask for at the authorization server of an MCP server, with spaces (default what it asks for)")
	args, err := c.parse(flags, 1, 2)
	if err != nil {
		return err
	}
	command, err := subcommand(c, args[0], connectionsCommands(), func(c *connectionsCommand) string { return c.name })
	if err != nil {
		return err
	}
	provider, id, ok := strings.Cut(strings.Join(args[1:], ""), "/")
	if command.named != ok {
		fmt.Fprintf(c.stderr, "write go run ./local connections %s%s\n", command.name, map[bool]string{true: " PROVIDER/ID"}[command.named])
		return errUsage
	}
	run := &connections{out: c.stdout, base: *base, scopes: strings.Fields(*scopes)}
	if *identities != "" {
		run.identities = strings.Split(*identities, ",")
	}
	return run.with(ctx, command, *dir, storeURL(*store, c.env), c.env, func() error { return command.run(run, ctx, provider, id) })
}

// with makes the keeper of a folder's connections for something to be done.
func (c *connections) with(ctx context.Context, command *connectionsCommand, dir, rawURL string, env func(string) (string, bool), do func() error) (err error) {
	cfg, faults := config.Load(dir, env)
	if len(faults) > 0 {
		return faults
	}
	var store state.Store = &state.Memory{} // not asked
	if command.stored {
		if store, err = commandStore(ctx, rawURL, dir, env); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
	}
	m := &snapshot.Manifest{
		Name: cfg.Name, Title: cfg.Title, Connections: cfg.Connections, SealingKey: cfg.SealingKey, PublicURL: cfg.PublicURL, Egress: cfg.Egress,
	}
	for i := range cfg.Servers { // and no more of them than connections need: the rest may have other secrets
		if s := &cfg.Servers[i]; s.Upstream != nil && s.Upstream.Credentials.OAuth != nil {
			u := &config.Upstream{URL: s.Upstream.URL, Credentials: config.Credentials{OAuth: s.Upstream.Credentials.OAuth}}
			m.Servers = append(m.Servers, snapshot.Server{Name: s.Name, Upstream: u})
		}
	}
	found := secrets(env, nil)
	if err = found.Read(ctx, m.SecretReferences()); err != nil {
		return err
	}
	if c.Keeper, err = gateway.Connections(m, gateway.Options{Secrets: found.Resolve, Connections: store}); err != nil {
		return err
	}
	if c.Keeper == nil {
		return fmt.Errorf("%s has no providers: add them under connections in gateway.yaml, or give an upstream credentials: { oauth: {} }", dir)
	}
	c.base = strings.TrimRight(cmp.Or(c.base, cfg.PublicURL, "http://"+defaultAddress), "/")
	return do()
}

func (c *connections) list(ctx context.Context, _, _ string) error {
	list, err := c.List(ctx)
	if len(list) == 0 && err == nil {
		fmt.Fprintln(c.out, "there are no connections")
		return nil
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CONNECTION\tFOR\tSCOPE\tCREATED\tACCESS")
	for i := range list {
		l := &list[i]
		fmt.Fprintf(table, "%s/%s\t%s\t%s\t%s\t%s\n", l.Provider, l.ID, printable(cmp.Or(strings.Join(l.Identities, ","), "all policies")), printable(l.Scope), formatTime(l.Created), life(l))
	}
	return errors.Join(err, table.Flush())
}

// life says for how long a connection gives access.
func life(c *connection.Connection) string {
	switch {
	case c.Ended:
		return "ended: connect again"
	case c.Renewable:
		return "renewed when needed"
	case c.Expires.IsZero():
		return "without end"
	case c.Expires.Before(time.Now()):
		return "ended: connect again"
	}
	return "until " + formatTime(c.Expires)
}

func (c *connections) add(_ context.Context, provider, id string) error {
	path, err := c.Ticket(provider, id, c.identities, c.scopes)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Open this link, within ten minutes, in the browser of whoever gives the access; it works once:\n\n%s%s\n", c.base, path)
	return nil
}

func (c *connections) remove(ctx context.Context, provider, id string) error {
	if err := c.Remove(ctx, provider, id); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s/%s is removed, everywhere within %v; revoke the access at the provider as well\n", provider, id, connection.MaxAge)
	return nil
}

func (c *connections) test(ctx context.Context, provider, id string) error {
	found, err := c.Test(ctx, provider, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s/%s has an access token: %s\n", provider, id, life(&found))
	return nil
}

// keepsConnections tells whether a gateway has connections to keep.
func keepsConnections(m *snapshot.Manifest) bool {
	return len(m.Connections) > 0 || slices.ContainsFunc(m.Servers, func(s snapshot.Server) bool {
		return s.Upstream != nil && s.Upstream.Credentials.OAuth != nil && s.Upstream.Credentials.OAuth.AuthorizationCode()
	})
}
