package config

import (
	"iter"
	"path/filepath"
	"slices"
	"time"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"
)

// What applies where the file says nothing.
const (
	defaultVersion      = "1.0.0"
	defaultRequestBytes = 4 << 20
	defaultDepth        = 128
	defaultResultBytes  = 256 << 10
	defaultTimeout      = 30 * time.Second
	defaultListPage     = 250
	defaultListTTL      = 5 * time.Minute
)

// The bounds of the limits.
const (
	minBytes = 1 << 10
	maxBytes = 256 << 20
	// minNesting leaves room for the envelope of a tools/call and an argument
	// that is an object; maxNesting is far below what the stack can bear.
	minNesting  = 8
	maxNesting  = 1000
	maxListPage = 10_000
)

var gatewayKeys = vocabulary[Config]{kind: "gateway", keys: []key[Config]{
	{name: "name", required: true, decode: func(d *decoder, v value, c *Config) { c.Name = d.str(v) }},
	{name: "title", decode: func(d *decoder, v value, c *Config) { c.Title = d.str(v) }},
	{name: "description", decode: func(d *decoder, v value, c *Config) { c.Description = d.str(v) }},
	{name: "version", decode: func(d *decoder, v value, c *Config) { c.Version = d.str(v) }},
	{name: "publicUrl", decode: func(d *decoder, v value, c *Config) { c.PublicURL = d.baseURL(v) }},
	{name: "allowedHosts", decode: func(d *decoder, v value, c *Config) {
		for item := range d.list(v) {
			c.AllowedHosts = append(c.AllowedHosts, d.allowedHost(item))
		}
	}},
	{name: "allowedOrigins", decode: func(d *decoder, v value, c *Config) {
		for item := range d.list(v) {
			c.AllowedOrigins = append(c.AllowedOrigins, d.allowedOrigin(item))
		}
	}},
	{name: "sealingKey", decode: func(d *decoder, v value, c *Config) { c.SealingKey = d.sealingKey(v) }},
	{name: "limits", decode: func(d *decoder, v value, c *Config) { decodeMapping(d, v, limitsKeys, &c.Limits) }},
	{name: "policy", decode: func(d *decoder, v value, c *Config) { c.Policy = d.localFile(v, "policy document") }},
	{name: "fragments", decode: func(d *decoder, v value, c *Config) { c.Fragments = d.identified(v, "fragment") }},
	{name: "schemas", decode: func(d *decoder, v value, c *Config) { c.Schemas = d.identified(v, "schema") }},
	{name: "namedValues", decode: func(d *decoder, _ value, c *Config) { c.NamedValues = d.listed() }}, // decoded before everything else
	{name: "certificates", decode: func(d *decoder, v value, c *Config) {
		for name, item := range d.entities(v, "certificate") {
			c.Certificates = append(c.Certificates, d.certificate(name, item))
		}
	}},
	{name: "clientCertificates", decode: func(d *decoder, v value, c *Config) {
		c.ClientCertificates = &ClientCertificates{}
		decodeMapping(d, v, clientCertificatesKeys, c.ClientCertificates)
	}},
	{name: "clientAddress", decode: func(d *decoder, v value, c *Config) { c.ClientAddress = d.clientAddress(v) }},
	{name: "connections", decode: func(d *decoder, v value, c *Config) {
		for name, item := range d.entities(v, "connection") {
			c.Connections = append(c.Connections, d.connection(name, item))
		}
		if len(c.SealingKey.Parts) == 0 {
			d.fault(v.key, `add "sealingKey", as in { secret: env:SEALING_KEY }`, "connections are kept sealed, and the file has no sealing key that all instances share")
		}
	}},
	{name: "egress", decode: func(d *decoder, v value, c *Config) { decodeMapping(d, v, egressKeys, &c.Egress) }},
	{name: "backends", decode: func(d *decoder, v value, c *Config) {
		for name, item := range d.entities(v, "backend") {
			c.Backends = append(c.Backends, d.backend(name, item))
		}
		d.checkPools(c)
	}},
	{name: "apis", decode: func(d *decoder, v value, c *Config) {
		for name, item := range d.entities(v, "api") {
			c.APIs = append(c.APIs, d.api(name, item))
		}
	}},
	{name: "servers", decode: func(d *decoder, v value, c *Config) {
		for name, item := range d.entities(v, "server") {
			c.Servers = append(c.Servers, d.server(name, item))
		}
		d.checkFederations(c)
		d.checkDocuments(c)
		d.checkUpstreamOAuth(c)
	}},
	{name: "authorizationServer", decode: func(d *decoder, v value, c *Config) { c.AuthorizationServer = d.authorizationServer(v) }},
	{name: "telemetry", decode: func(d *decoder, v value, c *Config) { c.Telemetry = d.telemetry(v) }},
	{name: "audit", decode: func(d *decoder, v value, c *Config) { c.Audit = d.audit(v) }},
	{name: "registry", decode: func(d *decoder, v value, c *Config) { c.Registry = d.registry(v, c) }},
	{name: "shadow", decode: func(d *decoder, v value, c *Config) { c.Shadow = d.shadow(v) }},
	{name: "profiles", decode: func(d *decoder, v value, c *Config) {
		for name, item := range d.entities(v, "profile") {
			c.Profiles = append(c.Profiles, d.profile(name, item))
		}
	}},
	{name: "products", decode: func(d *decoder, v value, c *Config) {
		for name, item := range d.entities(v, "product") {
			c.Products = append(c.Products, d.product(name, item))
		}
	}},
}}

var limitsKeys = vocabulary[Limits]{kind: "limits", keys: []key[Limits]{
	{name: "requestBytes", decode: func(d *decoder, v value, l *Limits) { d.size(v, minBytes, maxBytes, &l.RequestBytes) }},
	{name: "depth", decode: func(d *decoder, v value, l *Limits) { d.integer(v, minNesting, maxNesting, &l.Depth) }},
	{name: "resultBytes", decode: func(d *decoder, v value, l *Limits) { d.size(v, minBytes, maxBytes, &l.ResultBytes) }},
	{name: "timeout", decode: func(d *decoder, v value, l *Limits) { d.timeout(v, &l.Timeout) }},
	{name: "listPage", decode: func(d *decoder, v value, l *Limits) { d.integer(v, 1, maxListPage, &l.ListPage) }},
	{name: "listTtl", decode: func(d *decoder, v value, l *Limits) { d.timeout(v, &l.ListTTL) }},
}}

// gateway decodes the whole file.
func (d *decoder) gateway(v value) *Config {
	c := &Config{
		Dir:     d.dir,
		Version: defaultVersion,
		Limits: Limits{
			RequestBytes: defaultRequestBytes,
			Depth:        defaultDepth,
			ResultBytes:  defaultResultBytes,
			Timeout:      defaultTimeout,
			ListPage:     defaultListPage,
			ListTTL:      defaultListTTL,
		},
	}
	entries, ok := d.entries(v)
	if !ok {
		return nil
	}
	names := gatewayKeys.names()
	for _, e := range entries {
		meant := e.name
		if !slices.Contains(names, meant) {
			meant = fault.Nearest(meant, names)
		}
		switch meant {
		case "namedValues":
			d.decodeNamedValues(e.value)
		case "certificates":
			d.declareCertificates(e.value)
		case "connections":
			d.declare("connection", e.value)
		case "backends":
			d.declare("backend", e.value)
		case "apis":
			d.declare("api", e.value)
		case "servers":
			d.declare("server", e.value)
		case "products":
			d.declare("product", e.value)
		case "profiles":
			d.declare("profile", e.value)
		}
	}
	present := decodeEntries(d, v, entries, gatewayKeys, c)
	d.subscriptions(c)
	d.checkRegistry(c)
	d.checkAuthorizations(c)
	d.checkAuthorizationServer(c)
	if _, listed := present["fragments"]; !listed {
		c.Fragments = d.fragments()
	}
	c.Files = append([]string{filepath.Join(d.dir, d.file)}, d.used...)
	if c.ToolsLock = d.findToolsLock(); c.ToolsLock != "" {
		c.Files = append(c.Files, c.ToolsLock)
	}
	return c
}

// entityName is the name of a backend, an API, a server or a product. It stands in URLs
// and in host names.
var entityName = pattern.Lazy(`^[a-z0-9][a-z0-9-]{0,62}$`)

const entityNameFix = `use lower-case letters, digits and "-", begin with a letter or a digit, 63 characters at most`

// entities yields the backends, APIs, servers or products of a mapping, which kind names
// in the singular.
func (d *decoder) entities(v value, kind string) iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		entries, _ := d.entries(v)
		for _, e := range entries {
			e.value.what = kind + " " + quote(e.name)
			if !yield(e.name, e.value) {
				return
			}
		}
	}
}

// declare records which backends, APIs and servers there are, before any is
// decoded, since they refer to one another.
func (d *decoder) declare(kind string, v value) {
	for name, item := range d.entities(v, kind) {
		owner, taken := reserved[name]
		switch {
		case kind == "server" && taken:
			d.fault(item.key, "choose another name", "server name %s is reserved for %s", quote(name), owner)
		case !entityName().MatchString(name):
			d.fault(item.key, entityNameFix, "%s name %s is not valid", kind, quote(name))
		}
		d.declared[kind] = append(d.declared[kind], name)
		if kind == "server" && !d.isFederation(item) {
			d.members = append(d.members, name)
		}
	}
}

// reserved are paths below the gateway's URL that no server may take, and
// whose they are.
var reserved = map[string]string{
	".well-known": "metadata (RFC 8615)",
	"admin":       "the Azure Functions host",
	"authorize":   "authorization",
	"connections": "the consent page of connections",
	"healthz":     "the health check",
	"mcp":         "the MCP endpoint of the gateway itself",
	"messages":    "the HTTP+SSE transport",
	"register":    "authorization",
	"runtime":     "the Azure Functions host",
	"sse":         "the HTTP+SSE transport",
	"token":       "authorization",
	"v0":          "the MCP registry API",
}

// declaredName returns the name of a backend, an API or a server that the file
// declares. Candidates are those that can be meant.
func (d *decoder) declaredName(v value, kind string, candidates []string) string {
	name := d.str(v)
	if name != "" && !slices.Contains(d.declared[kind], name) {
		d.fault(v.at, fault.Suggest(name, candidates, declareFirst), "%s is %s, an unknown %s", v.what, quote(name), kind)
		return ""
	}
	return name
}
