package config

import (
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/fault"
)

// Keys of every server.
var serverKeys = []key[Server]{
	{name: "title", decode: func(d *decoder, v value, s *Server) { s.Title = d.str(v) }},
	{name: "description", decode: func(d *decoder, v value, s *Server) { s.Description = d.str(v) }},
	{name: "instructions", decode: func(d *decoder, v value, s *Server) { s.Instructions = d.str(v) }},
	{name: "policy", decode: func(d *decoder, v value, s *Server) { s.Policy = d.localFile(v, "policy document") }},
	{name: "subscriptionRequired", decode: func(d *decoder, v value, s *Server) { d.subscriptionRequired(v, "server", s.Name) }},
	{name: "subscriptionKeyNames", decode: func(d *decoder, v value, s *Server) { d.subscriptionKeyNames(v, "server", s.Name) }},
	{name: "legacySSE", decode: func(d *decoder, v value, s *Server) { d.flag(v, &s.LegacySSE) }},
	{name: "authorization", decode: func(d *decoder, v value, s *Server) { s.Authorization = d.serverAuthorization(v) }},
	{name: "allow", decode: func(d *decoder, v value, s *Server) { s.Allow = d.allow(v) }},
	{name: "approval", decode: func(d *decoder, v value, s *Server) { s.Approval = d.approval(v) }},
	{name: "registry", decode: func(d *decoder, v value, s *Server) { s.Listing = d.listing(v) }},
	{name: "clientProfiles", decode: func(d *decoder, v value, s *Server) { s.ClientProfiles = d.clientProfiles(v) }},
	{name: "publish", decode: func(d *decoder, v value, s *Server) { s.Search = d.oneOf(v, publications...) == publishSearch }},
}

const (
	defaultNameLength = 48
	minNameLength     = 16
	maxNameLength     = 64
)

// publications are the values of "publish", the default first.
var publications = []string{"tools", publishSearch}

// publishSearch has the tools of a server found by a search.
const publishSearch = "search"

// outputSchemas are the values of [APIServer.OutputSchema], the default first.
var outputSchemas = []string{"permissive", "exact", "none"}

// Keys of a server over an API.
var apiServerKeys = []key[Server]{
	{name: "api", required: true, decode: func(d *decoder, v value, s *Server) {
		s.API.API = d.declaredName(v, "api", d.declared["api"])
	}},
	{name: "tools", decode: func(d *decoder, v value, s *Server) {
		s.API.Tools = d.selections(v, operationKeys, (*Selection).setOperation)
	}},
	{name: "exclude", decode: func(d *decoder, v value, s *Server) {
		s.API.Exclude = d.selections(v, exclusionKeys, (*Selection).setOperation)
	}},
	{name: "acceptLossy", decode: func(d *decoder, v value, s *Server) { d.flag(v, &s.API.AcceptLossy) }},
	{name: "nameLength", decode: func(d *decoder, v value, s *Server) {
		d.integer(v, minNameLength, maxNameLength, &s.API.NameLength)
	}},
	{name: "outputSchema", decode: func(d *decoder, v value, s *Server) {
		s.API.OutputSchema = d.oneOf(v, outputSchemas...)
	}},
	{name: "openWorld", decode: func(d *decoder, v value, s *Server) { s.API.OpenWorld = d.boolean(v) }},
	{name: "longRunning", decode: func(d *decoder, v value, s *Server) { s.API.LongRunning = d.longRunning(v) }},
	{name: "cache", decode: func(d *decoder, v value, s *Server) { s.Cache = d.cache(v) }},
}

// Keys of a server in front of an MCP server.
var upstreamServerKeys = []key[Server]{
	{name: "upstream", required: true, decode: func(d *decoder, v value, s *Server) {
		decodeMapping(d, v, upstreamKeys, s.Upstream)
	}},
	{name: "tools", decode: func(d *decoder, v value, s *Server) {
		s.Upstream.Tools = d.selections(v, toolKeys, (*Selection).setTool)
	}},
	{name: "resources", decode: func(d *decoder, v value, s *Server) {
		s.Upstream.ResourceRules = d.published(v, resourceKeys, &s.Upstream.Resources)
	}},
	{name: "prompts", decode: func(d *decoder, v value, s *Server) {
		s.Upstream.PromptRules = d.published(v, promptKeys, &s.Upstream.Prompts)
	}},
	{name: "lock", decode: func(d *decoder, v value, s *Server) { s.Upstream.Lock = d.lock(v) }},
	{name: "toolLimits", decode: func(d *decoder, v value, s *Server) {
		decodeMapping(d, v, toolLimitsKeys, &s.Upstream.ToolLimits)
	}},
	{name: "cache", decode: func(d *decoder, v value, s *Server) { s.Cache = d.cache(v) }},
}

// Keys of a server over other servers.
var federationKeys = []key[Server]{
	{name: "federate", required: true, decode: func(d *decoder, v value, s *Server) {
		for item := range d.list(v) {
			s.Federate = append(s.Federate, d.member(item))
		}
	}},
}

// serverKinds are the kinds of server by the key that makes them. A server has
// exactly one of these keys.
var serverKinds = []struct {
	key  string
	keys []key[Server]
}{
	{"api", apiServerKeys},
	{"upstream", upstreamServerKeys},
	{"federate", federationKeys},
}

func (d *decoder) server(name string, v value) Server {
	s := Server{Name: name, At: v.key}
	entries, ok := d.entries(v)
	if !ok {
		return s
	}
	chosen := chosenKinds(entries)
	y := serverVocabulary(chosen)
	if len(chosen) != 1 {
		d.wrongKinds(v, chosen)
		decodeEntries(d, v, entries, y, &s)
		return s
	}
	switch chosen[0] {
	case "api":
		s.API = &APIServer{NameLength: defaultNameLength, OutputSchema: outputSchemas[0]}
	case "upstream":
		s.Upstream = &Upstream{
			Transport: StreamableHTTP, Resources: true, Prompts: true,
			ToolLimits: ToolLimits{Description: defaultToolDescription, SchemaBytes: defaultToolSchema, Tools: defaultTools},
		}
	}
	decodeEntries(d, v, entries, y, &s)
	return s
}

// chosenKinds returns the keys among api, upstream and federate that a server
// has, or was meant to have.
func chosenKinds(entries []entry) []string {
	var choices, chosen []string
	for _, kind := range serverKinds {
		choices = append(choices, kind.key)
	}
	known := serverVocabulary(nil).names()
	for _, e := range entries {
		name := e.name
		if !slices.Contains(known, name) {
			name = fault.Nearest(name, choices)
		}
		if slices.Contains(choices, name) && !slices.Contains(chosen, name) {
			chosen = append(chosen, name)
		}
	}
	return chosen
}

func (d *decoder) wrongKinds(v value, chosen []string) {
	if len(chosen) == 0 {
		d.fault(v.key, "give one of them", `%s has none of "api", "upstream" and "federate"`, v.what)
		return
	}
	d.fault(v.key, "keep one of them", `%s has more than one of "api", "upstream" and "federate"`, v.what)
}

// serverVocabulary returns the keys that a server may have beside those chosen
// among api, upstream and federate. Where the choice is not one, the keys of
// every kind are known and none is decoded.
func serverVocabulary(chosen []string) vocabulary[Server] {
	y := vocabulary[Server]{kind: "server", keys: slices.Clone(serverKeys), elsewhere: map[string]string{}}
	for _, kind := range serverKinds {
		if len(chosen) == 1 && chosen[0] == kind.key {
			y.keys = append(y.keys, kind.keys...)
		}
	}
	known := y.names()
	for _, kind := range serverKinds {
		for _, k := range kind.keys {
			switch {
			case slices.Contains(known, k.name):
			case len(chosen) == 1:
				y.elsewhere[k.name] = fmt.Sprintf("does not belong to a server with %q", chosen[0])
			default:
				y.keys = append(y.keys, key[Server]{name: k.name, decode: func(*decoder, value, *Server) {}})
				known = append(known, k.name)
			}
		}
	}
	return y
}

// protocolVersions are the revisions an upstream can be spoken to in.
var protocolVersions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}

var upstreamKeys = vocabulary[Upstream]{kind: "upstream", check: checkTransport, keys: []key[Upstream]{
	{name: "url", required: true, decode: func(d *decoder, v value, u *Upstream) { u.URL = d.absoluteURL(v, true) }},
	{name: "transport", decode: func(d *decoder, v value, u *Upstream) {
		u.Transport = Transport(d.oneOf(v, string(StreamableHTTP), string(SSE)))
	}},
	{name: "protocolVersion", decode: func(d *decoder, v value, u *Upstream) {
		u.ProtocolVersion = d.oneOf(v, protocolVersions...)
	}},
	{name: "timeout", decode: func(d *decoder, v value, u *Upstream) { d.timeout(v, &u.Timeout) }},
	{name: "credentials", decode: func(d *decoder, v value, u *Upstream) {
		decodeMapping(d, v, upstreamCredentialsKeys, &u.Credentials)
	}},
}}

// checkTransport checks that the transport carries the revision, and requests in
// the name of several callers.
func checkTransport(d *decoder, _ value, present map[string]value, u *Upstream) {
	if u.Transport == SSE && u.Credentials.PerCaller() {
		d.fault(present["credentials"].key, "let the server speak Streamable HTTP", "%s is called on behalf of callers, and over the transport sse all share a connection", strings.TrimPrefix(present["credentials"].what, `"credentials" in `))
	}
	if u.Transport == SSE && u.ProtocolVersion == "2026-07-28" {
		given := present["protocolVersion"]
		d.fault(given.at, "remove it, or the transport", "%s is 2026-07-28, which the transport sse does not carry", given.what)
	}
}
