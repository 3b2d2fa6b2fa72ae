package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"

	"toolgate/shared/edge"
	"toolgate/shared/snapshot"
)

// edgeRules writes what of a folder can be refused before the gateway.
func edgeRules(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("edge-rules", flag.ContinueOnError)
	target := flags.String("for", "", "`frontdoor` for an ARM template of Azure Front Door, or waf for a CloudFormation template of AWS WAF")
	out := flags.String("o", "", "the `file` to write (default: edge-frontdoor.json or edge-waf.json)")
	args, err := c.parse(flags, 1, 1)
	if err != nil {
		return err
	}
	t := edge.Target(*target)
	if t != edge.FrontDoor && t != edge.WAF {
		return fmt.Errorf("there are no edge rules for %q: write --for frontdoor or --for waf", *target)
	}
	result, _, err := compile(ctx, args[0], c.env)
	if err != nil {
		return err
	}
	s, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		return err
	}
	r, err := edge.Restrict(s, t)
	if err != nil {
		return err
	}
	write := r.FrontDoor
	if t == edge.WAF {
		write = r.WAF
	}
	content, err := write()
	if err != nil {
		return err
	}
	path := *out
	if path == "" {
		path = "edge-" + string(t) + ".json"
	}
	if err := writeWhole(path, content); err != nil {
		return fmt.Errorf("writing the edge rules: %w", err)
	}
	fmt.Fprintf(c.stdout, "wrote %s for the snapshot %s\n\nrefused at the edge:\n", path, s.Hash)
	for _, one := range r.List {
		fmt.Fprintf(c.stdout, "  %s: %s\n", one.Name, one.Why)
	}
	fmt.Fprint(c.stdout, "\nleft to the gateway:\n")
	for _, sentence := range r.Left {
		fmt.Fprintf(c.stdout, "  %s\n", sentence)
	}
	return nil
}
