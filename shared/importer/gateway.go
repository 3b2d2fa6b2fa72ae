package importer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/secret"

	"github.com/go-json-experiment/json/jsontext"
)

// drafting is a service while its gateway is drafted.
type drafting struct {
	*draft
	from      *service
	backendOf map[string]string // names here, by names there
	apiOf     map[string]string
	serverOf  map[string][]string // all servers of an MCP API
	open      map[string]bool     // APIs, by their names there, in open products
	productOf map[string]string
}

// service drafts the gateway of a service.
func (d *draft) service(s *service) error {
	if len(s.apis) == 0 && len(s.backends) == 0 && s.policy == "" {
		return &ReplyError{"apis.json", errors.New("the service has no APIs, no backends and no policies")}
	}
	d.name, d.title = slug(s.name), s.name
	g := &drafting{
		draft: d, from: s, backendOf: map[string]string{}, apiOf: map[string]string{}, serverOf: map[string][]string{}, open: map[string]bool{}, productOf: map[string]string{},
	}
	g.values()
	g.keptCertificates()
	for _, b := range s.backends {
		g.backendOf[b.Name] = d.backendNames.take(b.Name)
	}
	for i := range s.backends {
		g.backend(&s.backends[i])
	}
	for _, f := range s.fragments {
		g.fragment(&f)
	}
	for _, f := range s.schemas {
		g.schema(&f)
	}
	d.policy = g.document("service", s.policy, "global")
	for _, p := range s.products {
		for _, a := range p.apis {
			g.open[a] = g.open[a] || p.isOpen()
		}
	}
	for i := range s.apis {
		g.api(&s.apis[i])
	}
	for i := range s.apis {
		if s.apis[i].wanted() && s.apis[i].Properties.kind() == "mcp" {
			g.mcpAPI(&s.apis[i])
		}
	}
	for i := range s.products {
		g.product(&s.products[i])
	}
	for _, one := range s.subscriptions {
		g.subscription(&one)
	}
	return nil
}

// Bounds of named values, as in API Management: the bytes of one, and the
// characters of its name.
const (
	maxValue     = 4096
	maxValueName = 256
)

// valueName is the name that a named value has here.
func valueName(v *contract[namedValueProperties]) string {
	name := notValueName.ReplaceAllString(cmp.Or(v.Properties.DisplayName, v.Name), "-")
	return name[:min(len(name), maxValueName)]
}

// valuePlace is what draft.taken calls a named value of the source.
func valuePlace(name string) string { return "named value " + name }

// reserve notes the named values of the source, so that no secret that is found
// elsewhere gets the name of one.
func (d *draft) reserve(values []contract[namedValueProperties]) []contract[namedValueProperties] {
	for i := range values {
		d.taken[valuePlace(valueName(&values[i]))] = true
	}
	return values
}

// values declares the named values.
func (g *drafting) values() {
	declared := g.namedValues // by what was cleaned
	g.namedValues = nil
	for _, v := range g.from.namedValues {
		p := &v.Properties
		name := valueName(&v)
		place := placed("named value", name)
		switch {
		case name == "":
			g.remark(place, "it is left out: it has no name")
		case g.draft.named(name):
			g.remark(place, "it is left out: there are two of this name")
		case p.KeyVault != nil:
			g.vaultValue(name, place, p.KeyVault)
		case p.Secret:
			g.secret(name, place, "API Management does not tell the values of secrets without being asked for each: az apim nv show-secret")
		case config.ValueReference().MatchString(p.Value):
			g.secret(name, place, "its text refers to another named value, which cannot be here; what the whole text is")
		case len(p.Value) > maxValue:
			g.secret(name, place, fmt.Sprintf("its text is longer than %d bytes, and is read when the gateway starts", maxValue))
		default:
			g.draft.namedValues = append(g.draft.namedValues, field{name, p.Value})
		}
	}
	for _, f := range declared {
		if !g.draft.named(f.key) {
			g.draft.namedValues = append(g.draft.namedValues, f)
		}
	}
}

// vaultValue declares a named value that is in a key vault already.
func (g *drafting) vaultValue(name, place string, v *vaultEntry) {
	at := secret.KeyVault + ":" + strings.TrimRight(v.SecretIdentifier, "/")
	if _, err := secret.Parse(at); err != nil {
		g.secret(name, place, fmt.Sprintf("its identifier %q is no secret of a key vault that can be read from here", v.SecretIdentifier))
		return
	}
	g.draft.namedValues = append(g.draft.namedValues, field{name, inline{{"secret", at}}})
	g.remark(place, "it is read from the key vault with the gateway's identity, which needs the role Key Vault Secrets User")
}

var fileID = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,79}$`)

// keptCertificates declares the certificates.
func (g *drafting) keptCertificates() {
	for _, c := range g.from.certificates {
		place := placed("certificate", c.Name)
		if !fileID.MatchString(c.Name) {
			g.remark(place, "it is left out: ids of certificates are letters, digits, \".\", \"_\" and \"-\", 80 at most")
			continue
		}
		at := ""
		if v := c.Properties.KeyVault; v != nil {
			at = secret.KeyVault + ":" + strings.TrimRight(v.SecretIdentifier, "/")
		}
		if _, err := secret.Parse(at); err != nil {
			at = g.whereabouts(c.Name + "-pfx")
			g.remark(place, "the certificate is to be at %s: put it there, as PKCS #12 in base64, with a password as \"password\" beside it where there is one", at)
		}
		g.draft.certificates = append(g.draft.certificates, field{c.Name, inline{{"pfx", inline{{"secret", at}}}}})
	}
}

// document writes a policy document, and returns its path; empty for none.
func (g *drafting) document(place, content string, parts ...string) string {
	if strings.TrimSpace(content) == "" {
		return ""
	}
	return g.write(g.text(place, content), ".xml", append([]string{"policies"}, parts...)...)
}

// text is a policy document with the names that things have here. Named values
// that it needs and that the source does not have are declared.
func (g *drafting) text(place, content string) []byte {
	out := renamed([]byte(content), "backend-id", g.backendOf)
	for _, name := range references(out) {
		g.needed(place, name)
	}
	return append(bytes.TrimRight(out, "\n"), '\n')
}

// needed declares a named value, unless it is declared, or can be none.
func (g *drafting) needed(place, name string) {
	if !g.draft.named(name) && len(name) <= maxValueName {
		g.secret(name, place, "the source has no named value of this name; where it is no secret, write its text")
	}
}

func (g *drafting) fragment(f *contract[policyProperties]) {
	place := placed("policy fragment", f.Name)
	if !fileID.MatchString(f.Name) {
		g.remark(place, "it is left out: ids of fragments are letters, digits, \".\", \"_\" and \"-\", 80 at most")
		return
	}
	g.files["fragments/"+f.Name+".xml"] = g.text(place, f.Properties.Value)
}

func (g *drafting) schema(s *contract[schemaProperties]) {
	place := placed("schema", s.Name)
	content := jsontext.Value(s.Properties.Value)
	if content.Kind() != '{' {
		content = s.Properties.Document
	}
	if !strings.EqualFold(s.Properties.SchemaType, "json") || !fileID.MatchString(s.Name) || content.Kind() != '{' || !content.IsValid() {
		g.remark(place, "it is left out: schemas are JSON Schemas, of the type json")
		return
	}
	g.draft.schemas = append(g.draft.schemas, field{s.Name, g.write(jsonOf(content), ".json", "schemas", s.Name)})
}

// isOpen tells whether calls without a key are under the product.
func (p *productEntity) isOpen() bool {
	return p.Properties.SubscriptionRequired != nil && !*p.Properties.SubscriptionRequired
}

func (g *drafting) product(p *productEntity) {
	place := placed("product", p.Name)
	var apis, servers []any
	slices.Sort(p.apis)
	for _, a := range slices.Compact(p.apis) {
		if p.isOpen() && g.taken["open "+a] {
			g.remark(place, "the API %q is not in it: it is in another open product", a)
			continue
		}
		g.taken["open "+a] = g.taken["open "+a] || p.isOpen()
		switch {
		case g.apiOf[a] != "":
			apis = append(apis, g.apiOf[a])
		case len(g.serverOf[a]) > 0:
			for _, s := range g.serverOf[a] {
				servers = append(servers, s)
			}
		default:
			g.remark(place, "the API %q is not in it: it was left out, see there", a)
		}
	}
	name := g.productNames.take(p.Name)
	g.productOf[p.Name] = name
	out := object{}.with("title", literal(p.Properties.DisplayName)).with("description", literal(p.Properties.Description))
	if p.isOpen() {
		out = append(out, field{"subscriptionRequired", false})
	}
	out = out.with("apis", apis).with("servers", servers).with("policy", g.document(place, p.policy, "products", name))
	if len(out) == 0 {
		out = object{{"title", literal(cmp.Or(p.Name, name))}}
	}
	g.draft.products = append(g.draft.products, field{name, out})
	if p.Properties.ApprovalRequired {
		g.remark(place, "nobody asks for subscriptions here: go run ./local keys create --state submitted, and keys activate, are what approval is")
	}
	if p.Properties.SubscriptionsLimit != nil {
		g.remark(place, "the number of subscriptions of a user is not limited")
	}
	if p.Properties.State == "notPublished" {
		g.remark(place, "it is not published: here its subscriptions work as those of others")
	}
	if p.Properties.Terms != "" {
		g.remark(place, "there is no developer portal to agree to terms in")
	}
	g.renamed(place, p.Name, name, "context.Product.Id")
}

// subscription says how to make a subscription again: its keys cannot be read.
func (g *drafting) subscription(s *contract[subscriptionProperties]) {
	place := placed("subscription", s.Name)
	scope := "all"
	api, product := segmentAfter(s.Properties.Scope, "apis"), segmentAfter(s.Properties.Scope, "products")
	switch {
	case product != "":
		scope = "product:" + cmp.Or(g.productOf[product], slug(product))
	case g.apiOf[api] != "":
		scope = "api:" + g.apiOf[api]
	case len(g.serverOf[api]) > 0:
		scope = "server:" + g.serverOf[api][0]
	case api != "":
		g.remark(place, "it is of the API %q, which was left out, see there", api)
		return
	}
	g.remark(place, "its keys were not read: make new ones by go run ./local keys create --id %s --scope %s", slug(s.Name), scope)
}

// renamed says that something has another name here. Where policies name it, as
// what, is for people to look at.
func (g *drafting) renamed(place, from, to, what string) {
	if from != to {
		g.remark(place, "its name here is %s: change expressions that compare or set %s", to, what)
	}
}
