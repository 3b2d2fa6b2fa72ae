package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"toolgate/shared/fault"
	"toolgate/shared/snapshot"
	"toolgate/shared/trace"
)

// traces issues debug tokens, and shows the traces of those who have one.
func traces(ctx context.Context, c *call) error {
	do := ""
	if len(c.args) > 0 {
		do = c.args[0]
	}
	switch do {
	case "token":
		return debugToken(ctx, c)
	case "get":
		return getTrace(ctx, c)
	}
	return c.unknown(do, "token", "get")
}

// debugToken issues a debug token.
func debugToken(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("trace", flag.ContinueOnError)
	server := flags.String("server", "", "the `name` of the server or API whose requests may be traced")
	expires := flags.Duration("expires", trace.MaxTokenAge, "how long the token is good for, at most an hour")
	bodies := flags.Int("bodies", 0, "how many `bytes` of bodies traces show, at most 8192; with some, they show what was asked as well")
	args, err := c.parse(flags, 2, 2)
	if err != nil {
		return err
	}
	m, seals, err := sealing(ctx, args[1], c)
	if err != nil {
		return err
	}
	if err := knownServer(m, *server); err != nil {
		return err
	}
	now := time.Now()
	token, err := seals.Issue(trace.Token{Server: *server, Expires: now.Add(*expires), Bodies: *bodies}, now)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.stdout, token)
	return nil
}

// knownServer tells whether there is such a server or API.
func knownServer(m *snapshot.Manifest, name string) error {
	var names []string
	for i := range m.Servers {
		names = append(names, m.Servers[i].Name)
	}
	for i := range m.APIs {
		if m.APIs[i].HasPath {
			names = append(names, m.APIs[i].Name)
		}
	}
	if slices.Contains(names, name) {
		return nil
	}
	return fmt.Errorf("there is no server or API %q: %s", name, fault.Suggest(name, names, "name one by --server"))
}

// sealing is what seals the tokens and traces of a folder.
func sealing(ctx context.Context, dir string, c *call) (*snapshot.Manifest, *trace.Sealer, error) {
	result, _, err := compile(ctx, dir, c.env)
	if err != nil {
		return nil, nil, err
	}
	snap, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		return nil, nil, err
	}
	defer snap.Close()
	m := &snap.Manifest
	if len(m.SealingKey.Parts) == 0 {
		return nil, nil, errors.New(`debug tokens are sealed with the key that the gateway has: give gateway.yaml a "sealingKey", such as { secret: env:SEALING_KEY }`)
	}
	found := secrets(c.env, nil)
	if err := found.Read(ctx, (&snapshot.Manifest{SealingKey: m.SealingKey}).SecretReferences()); err != nil {
		return nil, nil, err
	}
	secret, err := m.SealingKey.Resolve(found.Resolve)
	if err != nil {
		return nil, nil, fmt.Errorf("resolving the sealing key: %w", err)
	}
	seals, err := trace.NewSealer([]byte(secret))
	return m, seals, err
}

// getTrace shows a trace that a gateway has kept.
func getTrace(ctx context.Context, c *call) (err error) {
	var v views
	flags := flag.NewFlagSet("trace", flag.ContinueOnError)
	address := flags.String("store", "", "the `URL` of the store (default $"+storeVariable+", or "+storeFile+" in the folder)")
	v.flags(flags)
	args, err := c.parse(flags, 3, 3)
	if err != nil {
		return err
	}
	_, seals, err := sealing(ctx, args[2], c)
	if err != nil {
		return err
	}
	store, err := commandStore(ctx, storeURL(*address, c.env), args[2], c.env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	t, err := (&trace.Keeper{Store: store, Sealer: seals}).Get(ctx, args[1], "")
	if err != nil {
		return err
	}
	return v.show(c, []*trace.Trace{t})
}
