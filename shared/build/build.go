// Package build compiles a checked configuration into a snapshot: it reads the
// OpenAPI documents, converts the selected operations into tools, renders the
// tool lists, and reports a verdict on every operation. It reads the policy
// documents, and puts those of every call together. Nothing is published that
// the configuration did not ask for, and nothing is left out silently.
package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"
	"toolgate/shared/projection"
	"toolgate/shared/snapshot"
	"toolgate/shared/toolslock"
)

// maxDocument bounds an OpenAPI document, in bytes.
const maxDocument = 64 << 20

// Fetch reads a document given by URL.
type Fetch func(ctx context.Context, url string) ([]byte, error)

// Result is a finished build.
type Result struct {
	// Snapshot is the file's content.
	Snapshot []byte
	Report   Report
	// Files are the local files that were read beyond those of the
	// configuration, for reloading on change.
	Files []string
}

// Build compiles cfg. The faults of all documents and selections come together
// as a fault.Faults. Warnings alone are no error, and stand in the report.
func Build(ctx context.Context, cfg *config.Config, fetch Fetch) (*Result, error) {
	b := &builder{ctx: ctx, cfg: cfg, fetch: fetch, documents: map[string]*openapi.Document{}, sources: map[string]*sourceAPI{}, known: schemaIDs{}, out: snapshot.NewWriter()}
	m := snapshot.Manifest{
		Name: cfg.Name, Title: cfg.Title, Version: cfg.Version,
		PublicURL: cfg.PublicURL, AllowedHosts: cfg.AllowedHosts, AllowedOrigins: cfg.AllowedOrigins,
		SealingKey: cfg.SealingKey, Limits: cfg.Limits,
	}
	m.Schemas, m.Backends = b.schemas(), cfg.Backends
	m.AuthorizationServer = cfg.AuthorizationServer
	m.Telemetry, m.Audit = cfg.Telemetry, cfg.Audit
	m.Certificates, m.ClientCertificates, m.Connections, m.Egress = cfg.Certificates, cfg.ClientCertificates, cfg.Connections, cfg.Egress
	m.ClientAddress, m.Registry = cfg.ClientAddress, cfg.Registry
	b.readPolicies()
	b.lock = b.readLock()
	m.Products, m.APIs, m.Profiles = b.products(), b.apis(), cfg.Profiles
	for _, s := range cfg.Servers {
		m.Servers = append(m.Servers, b.server(s))
	}
	b.describe()
	m.Shadow = b.shadow()
	b.policies.write(&m)
	b.report.Warnings = b.faults.Sorted()
	if err := b.report.Warnings.Err(); err != nil {
		return nil, err
	}
	bytes, err := b.out.Close(m, b.report)
	if err != nil {
		return nil, err
	}
	return &Result{Snapshot: bytes, Report: b.report, Files: b.files}, nil
}

type builder struct {
	ctx       context.Context
	cfg       *config.Config
	fetch     Fetch
	documents map[string]*openapi.Document // by location; nil for one that failed
	policies  *policies
	sources   map[string]*sourceAPI // by the name of the API
	known     schemaIDs
	lock      toolslock.Lock // nil: there is none
	out       *snapshot.Writer
	// expressions are those of results; nil for wrong ones.
	expressions map[*config.Result]*projection.Expression
	report      Report
	faults      fault.Faults
	files       []string
}

func (b *builder) fault(at fault.Position, fix, format string, args ...any) {
	b.faults = append(b.faults, fault.Fault{Position: at, Message: fmt.Sprintf(format, args...), Fix: fix})
}

func (b *builder) server(s config.Server) snapshot.Server {
	b.checkOnBehalf(&s)
	out := snapshot.Server{
		Name: s.Name, Title: s.Title, Description: s.Description, Instructions: s.Instructions,
		Upstream: s.Upstream, Federate: s.Federate, SubscriptionKeys: s.SubscriptionKeys, LegacySSE: s.LegacySSE,
		Authorization: s.Authorization, Allow: s.Allow, Listing: s.Listing, Search: s.Search, ClientProfiles: s.ClientProfiles,
	}
	b.checkAllows(&s)
	p := serverPolicies{
		policies: b.policies, products: b.policies.productsOf(s.Name, serversOf), server: b.policies.use(s.Policy, policy.ScopeServer),
	}
	p.under(p.products, p.link())
	if s.API != nil {
		out.API, out.Cache = b.apiServer(s, &p)
	}
	if s.Upstream != nil {
		out.Cache = b.upstreamCache(&s)
		out.Lock = b.locked(&s)
		for _, t := range s.Upstream.Tools {
			b.checkSearchName(&s, cmp.Or(t.Override.Name, t.Tool), t.At)
			p.tool(cmp.Or(t.Override.Name, t.Tool), t.Override.Policy)
			p.allow(cmp.Or(t.Override.Name, t.Tool), t.Override.Allow)
			p.approve(&s, cmp.Or(t.Override.Name, t.Tool), t.Override.Approval)
			p.show(cmp.Or(t.Override.Name, t.Tool), b.upstreamResult(&t))
		}
	}
	out.Policy, out.ToolPolicies, out.ToolAllow = p.server, p.tools, p.allowed
	out.Approval, out.ToolApproval = s.Approval.Over(nil), p.approvals
	out.ToolResults = p.results
	b.noteResults(&out)
	b.noteApprovals(&out)
	return out
}

// serverPolicies are the policies of one server.
type serverPolicies struct {
	*policies
	products []int          // the numbers of the documents of its products
	server   int            // that of its own
	tools    map[string]int // those of tools that have one, by their published names
	// allowed says who may call tools that not everybody may, by the same names.
	allowed map[string][]config.Allow
	// approvals say which tools differ from the server in whether a person is asked.
	approvals map[string]*config.Approval
	// results say of which tools a model is not shown everything, and of what.
	results map[string]*config.Result
}

func (p *serverPolicies) link() link { return link{policy.ScopeServer, p.server} }

// tool reads the document of a tool.
func (p *serverPolicies) tool(name, path string) {
	n := p.use(path, policy.ScopeTool)
	if n == 0 {
		return
	}
	p.under(p.products, p.link(), link{policy.ScopeTool, n})
	if p.tools == nil {
		p.tools = map[string]int{}
	}
	p.tools[name] = n
}

// document reads an API's OpenAPI document, once however many servers use it.
// It is nil when the document has a fault, which was then recorded.
func (b *builder) document(api config.API) *openapi.Document {
	location := api.OpenAPI
	if d, ok := b.documents[location]; ok {
		return d
	}
	d, err := b.parse(location)
	if err != nil {
		b.documentFault(api, err)
	}
	b.documents[location] = d
	return d
}

func (b *builder) parse(location string) (*openapi.Document, error) {
	data, err := b.load(location)
	if err != nil {
		return nil, err
	}
	return openapi.Parse(location, data, b.load)
}

func (b *builder) documentFault(api config.API, err error) {
	if e, ok := errors.AsType[*openapi.Error](err); ok {
		at := fault.Position{File: b.display(e.File), Line: e.Line, Column: e.Column}
		b.fault(at, e.Fix, "%s", e.Message)
		return
	}
	if errors.Is(err, fs.ErrNotExist) && !isURL(api.OpenAPI) {
		return // config has said so
	}
	b.fault(api.At, "give the path or URL of an OpenAPI document", "the document of API %q cannot be read: %v", api.Name, err)
}

// display shows a file as the user wrote it, relative to the folder.
func (b *builder) display(location string) string {
	if rel, err := filepath.Rel(b.cfg.Dir, location); err == nil && !isURL(location) && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return location
}

func isURL(location string) bool {
	return strings.HasPrefix(location, "https://") || strings.HasPrefix(location, "http://")
}

// load reads a document or a part of one that a $ref names.
func (b *builder) load(location string) ([]byte, error) {
	if isURL(location) {
		return b.fetch(b.ctx, location)
	}
	b.files = append(b.files, location)
	return os.ReadFile(location)
}

// HTTPFetch reads documents over HTTP.
func HTTPFetch(ctx context.Context, location string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, application/yaml, */*;q=0.5")
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", location, res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = fmt.Errorf("%s is larger than %d MiB", location, maxDocument>>20)
	}
	return data, err
}
