package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"toolgate/shared/build"
	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/mcp"
	"toolgate/shared/profile"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// clientsRun is one run of the command.
type clientsRun struct {
	lockRun             // asks the MCP servers
	server, profileName string
	live                bool
	definitions         bool
}

// showClients prints what clients are given in the place of the tools of a folder.
func showClients(ctx context.Context, c *call) error {
	r := &clientsRun{}
	flags := flag.NewFlagSet("clients", flag.ContinueOnError)
	flags.StringVar(&r.server, "server", "", "the `name` of the one server to show")
	flags.StringVar(&r.profileName, "profile", "", "the `name` of a profile, also of one that no server has (default: those of the servers)")
	flags.BoolVar(&r.live, "live", false, "ask MCP servers for their tools, with the secrets of the environment; without it they are left out")
	flags.BoolVar(&r.definitions, "definitions", false, "print the definitions that clients are given, as JSON")
	args, err := c.parse(flags, 1, 1)
	if err != nil {
		return err
	}
	r.dir, r.out, r.env, r.storeURL = args[0], c.stdout, c.env, storeURL("", c.env)
	return r.show(ctx)
}

func (r *clientsRun) show(ctx context.Context) error {
	cfg, faults := config.Load(r.dir, r.env)
	if len(faults) > 0 {
		return faults
	}
	if r.profileName != "" && config.Resolve(cfg.Profiles, r.profileName) == nil {
		names := profile.KnownNames()
		for _, own := range cfg.Profiles {
			names = append(names, own.Name)
		}
		return fmt.Errorf("there is no profile %q: %s", r.profileName, fault.Suggest(r.profileName, names, "there is none"))
	}
	result, err := build.Build(ctx, cfg, build.HTTPFetch)
	if err != nil {
		return err
	}
	snap, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		return err
	}
	shown := false
	var servers []string
	var errs []error
	for i := range snap.Servers {
		s := &snap.Servers[i]
		servers = append(servers, s.Name)
		names := []string{r.profileName}
		if r.profileName == "" {
			if s.ClientProfiles == nil {
				continue
			}
			names = s.ClientProfiles.Names()
		}
		if r.server != "" && r.server != s.Name {
			continue
		}
		shown = true
		errs = append(errs, r.showServer(ctx, cfg, snap, s, names))
	}
	if !shown && r.server != "" {
		return fmt.Errorf("there is no server %q with profiles (those of others are named by --profile): %s", r.server, fault.Suggest(r.server, servers, "there is no server"))
	}
	if !shown {
		fmt.Fprintf(r.out, "%s has no server with `clientProfiles`: name a profile by --profile\n", r.dir)
	}
	return errors.Join(errs...)
}

// showServer prints what becomes of the tools of one server.
func (r *clientsRun) showServer(ctx context.Context, cfg *config.Config, snap *snapshot.Snapshot, s *snapshot.Server, names []string) error {
	definitions, err := r.listed(ctx, cfg, snap, s)
	if err != nil || definitions == nil {
		return err
	}
	for _, name := range names {
		p := config.Resolve(cfg.Profiles, name).For(s.Name)
		changes := p.Survey(definitions)
		adapted := 0
		for _, c := range changes {
			if c.Changes != nil {
				adapted++
			}
		}
		fmt.Fprintf(r.out, "%s for %s: %d of %d tools are adapted\n", s.Name, name, adapted, len(definitions))
		if p.Tools > 0 && len(definitions) > p.Tools {
			fmt.Fprintf(r.out, "  such clients take %d tools\n", p.Tools)
		}
		for i, c := range changes {
			if c.Err != nil {
				fmt.Fprintf(r.out, "  %s: given as it is: %v\n", c.Tool, c.Err)
			}
			if c.Changes == nil {
				continue
			}
			build.WriteChange(r.out, c)
			if r.definitions {
				printDefinition(r.out, p, definitions[i], c.Name)
			}
		}
	}
	return nil
}

func printDefinition(w io.Writer, p *profile.Profile, definition jsontext.Value, name string) {
	if made, err := p.Adapt(definition, name); err == nil {
		fmt.Fprintf(w, "    %s\n", made.Definition)
	}
}

// listed are the definitions of the tools of a server; nil where they are not known.
func (r *clientsRun) listed(ctx context.Context, cfg *config.Config, snap *snapshot.Snapshot, s *snapshot.Server) ([]jsontext.Value, error) {
	switch {
	case s.API != nil:
		list := []jsontext.Value{}
		for page := range s.API.Pages {
			content, err := snap.Page(s.Name, page)
			if err != nil {
				return nil, err
			}
			var part []jsontext.Value
			if err := json.Unmarshal(content, &part); err != nil {
				return nil, fmt.Errorf("reading the tools of server %q: %w", s.Name, err)
			}
			list = append(list, part...)
		}
		return list, nil
	case s.Federate != nil:
		fmt.Fprintf(r.out, "%s: its tools are those of its members, with prefixes: see these\n", s.Name)
		return nil, nil
	case !r.live:
		fmt.Fprintf(r.out, "%s: its tools are known when the MCP server is asked for them: --live\n", s.Name)
		return nil, nil
	}
	g, err := r.gateway(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = errors.Join(g.Close(), r.tokens.Close()) }() // what was listed was listed
	definitions, err := g.UpstreamTools(ctx, s.Name)
	if err != nil || s.Upstream.Tools == nil {
		return definitions, err
	}
	return selected(s.Upstream.Tools, definitions), nil
}

// selected are the tools that a server publishes of another one, by its names for them.
func selected(tools []config.Selection, definitions []jsontext.Value) []jsontext.Value {
	list := []jsontext.Value{}
	for _, definition := range definitions {
		span, ok := mcp.Lookup(definition, "name")
		m := mcp.Message{Raw: definition}
		for _, t := range tools {
			if !ok || t.Tool != m.Text(span) {
				continue
			}
			if t.Override.Name != "" {
				definition = mcp.Splice(definition, mcp.Edit{Span: span, Text: mcp.AppendString(nil, t.Override.Name)})
			}
			list = append(list, definition)
			break
		}
	}
	return list
}
