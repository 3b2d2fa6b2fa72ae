package policies

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/policy"
)

// A sample is a document with one policy that has no more than it needs. Which
// bodies a policy reads is found by compiling samples: of the policy alone, and
// of it with each attribute and each element that could make a difference.

// sampleTexts are values that a word would not do for, by the element and the
// attribute.
var sampleTexts = map[string]string{
	"set-method":                    "POST",
	"set-url":                       "https://contoso.com/a",
	"invoke-request/@url":           "https://contoso.com/a",
	"openid-config/@url":            "https://contoso.com/.well-known/openid-configuration",
	"proxy/@url":                    "http://proxy.contoso.com:8080",
	"set-backend-service/@base-url": "https://contoso.com/a",
	"address":                       "192.0.2.1",
	"address-range/@from":           "192.0.2.1",
	"address-range/@to":             "192.0.2.9",
	"origin":                        "https://contoso.com",
	"dimension/@name":               "API ID",
	"budget/@amount":                "1",
	"budget/@currency":              "EUR",
	"budget/@renewal-period":        "60",
	"budget/@price-per-call":        "0.25",
	"budget/@price-per-kilobyte":    "0.25",
	"key":                           "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}

// sampleElements are elements that a policy needs although the vocabulary does
// not ask for them: one of several would do.
var sampleElements = map[string][]string{
	"ip-filter":               {"address"},
	"validate-azure-ad-token": {"audiences"},
	"send-request":            {"set-url"},
	"send-one-way-request":    {"set-url"},
	"trace":                   {"message"},
}

// variant is what a sample has beyond what it needs: an attribute or an
// element.
type variant struct {
	attribute, value, element string
	any                       bool // the value stands for any
}

func (v variant) String() string {
	switch {
	case v.element != "":
		return "with `<" + v.element + ">`"
	case v.value == sampleExpression:
		return "with an expression for `" + v.attribute + "`"
	case v.any:
		return "with `" + v.attribute + "`"
	default:
		return "with `" + v.attribute + `="` + v.value + "\"`"
	}
}

const sampleExpression = "@(context.Operation.Id)"

// variantsOf are those of a policy: each word of an attribute, any value of it,
// and an expression; and each element.
func variantsOf(e *policy.ElementType) []variant {
	var list []variant
	for i := range e.Attributes {
		a := &e.Attributes[i]
		words := slices.Clone(a.Enum)
		if a.Type == policy.Bool {
			words = []string{"true", "false"}
		}
		anyValue := len(words) == 0
		if anyValue {
			words = []string{sampleText(e.Name+"/@"+a.Name, &a.Domain)}
		}
		if a.Expression {
			words = append(words, sampleExpression)
		}
		for _, word := range words {
			list = append(list, variant{attribute: a.Name, value: word, any: anyValue})
		}
	}
	for _, c := range e.Children {
		if !c.Policy {
			list = append(list, variant{element: c.Name})
		}
	}
	return list
}

// sample is the text of a policy with what it needs, and with a variant.
func sample(e *policy.ElementType, v variant) string {
	var b strings.Builder
	b.WriteString("<" + e.Name)
	for i := range e.Attributes {
		a := &e.Attributes[i]
		first := slices.ContainsFunc(e.Any, func(set []string) bool { return set[0] == a.Name && !slices.Contains(set, v.attribute) })
		switch {
		case a.Name == v.attribute:
			fmt.Fprintf(&b, ` %s="%s"`, a.Name, v.value)
		case a.Required || first:
			fmt.Fprintf(&b, ` %s="%s"`, a.Name, sampleText(e.Name+"/@"+a.Name, &a.Domain))
		}
	}
	var inside strings.Builder
	switch {
	case e.Content.Kind == policy.ContentPolicies:
		inside.WriteString(sample(&policy.Vocabulary().Policy(firstOf(e.Content.Only, "set-variable")).ElementType, variant{}))
	case e.Content.Kind == policy.ContentText && len(e.Children) == 0:
		inside.WriteString(sampleText(e.Name, &e.Content.Domain))
	}
	for i := range e.Children {
		c := &e.Children[i]
		container := len(e.Attributes) == 0 && policy.Vocabulary().Policy(e.Name) == nil && i == 0
		if !c.Policy && (c.Min > 0 || container || c.Name == v.element || slices.Contains(sampleElements[e.Name], c.Name)) {
			inside.WriteString(sample(c, variant{}))
		}
	}
	if inside.Len() == 0 {
		return b.String() + " />"
	}
	return b.String() + ">" + inside.String() + "</" + e.Name + ">"
}

func firstOf(list []string, otherwise string) string {
	if len(list) > 0 {
		return list[0]
	}
	return otherwise
}

func sampleText(of string, d *policy.Domain) string {
	if text, ok := sampleTexts[of]; ok {
		return text
	}
	switch d.Type {
	case policy.Int, policy.Seconds, policy.Decimal:
		return fmt.Sprint(max(1, d.Min))
	case policy.Bool:
		return "true"
	case policy.Enum:
		return d.Enum[0]
	case policy.Timestamp:
		return "2026-01-31T00:00:00Z"
	default:
		return "a"
	}
}

// compileSample compiles a policy in a section, and says what it reads there.
func compileSample(p *policy.PolicyType, text string, s policy.Section) (readers, error) {
	document := fmt.Sprintf("<policies><%s>%s</%[1]s><backend><base /></backend></policies>", s, text)
	if s == policy.Backend {
		document = "<policies><backend>" + text + "</backend></policies>"
	}
	d, faults := policy.Parse("sample.xml", []byte(document), policy.ParseOptions{})
	if faults.Err() == nil {
		faults = policy.Validate(d, policy.ValidateOptions{})
	}
	scope := policy.ScopeAPI
	if p.Scopes&scope == 0 {
		scope = p.Scopes & -p.Scopes
	}
	fragments := map[string]*policy.Document{}
	fragments["a"], _ = policy.Parse("a.xml", []byte("<fragment />"), policy.ParseOptions{})
	var effective *policy.Effective
	if faults.Err() == nil {
		effective, faults = policy.Compose([]policy.Layer{{Scope: scope, Document: d}}, fragments)
	}
	if faults.Err() != nil {
		return readers{}, faults.Err()
	}
	pipeline, faults := policy.Compile(effective, policy.CompileOptions{Policies: registered, Services: sampleServices})
	var r readers
	if pipeline.Reads(s).Request {
		r.request = s
	}
	if pipeline.Reads(s).Response {
		r.response = s
	}
	r.sees = s == policy.Inbound && !pipeline.Forwards()
	return r, faults.Err()
}

// sampleServices are there; that is all that compiling asks of most of them.
var sampleServices = &policy.Services{
	Limiter: struct{ policy.Limiter }{}, Quotas: struct{ policy.Quotas }{}, Concurrency: struct{ policy.Concurrency }{}, Reserves: struct{ policy.Reserves }{},
	Cache: struct{ policy.Cache }{}, Tokens: struct{ policy.Tokens }{}, Identity: struct{ policy.Identity }{},
	Connections: struct{ policy.Connections }{}, Certificates: sampleConfiguration{}, Sender: struct{ policy.Sender }{},
	Backends: sampleConfiguration{}, Schemas: sampleConfiguration{}, Operations: struct{ policy.Operations }{}, Sink: struct{ policy.Sink }{},
}

// sampleConfiguration has everything that policies ask for by name.
type sampleConfiguration struct{}

func (sampleConfiguration) Certificate(_, _ string) *policy.Certificate { return &policy.Certificate{} }

func (sampleConfiguration) Backend(id string) *policy.BackendEntity {
	return &policy.BackendEntity{ID: id, URL: &url.URL{Scheme: "https", Host: "contoso.com"}, Credentials: true}
}

func (sampleConfiguration) IDs() []string { return nil }

func (sampleConfiguration) Schema(string) policy.JSONSchema { return struct{ policy.JSONSchema }{} }

// readers are the sections in which a policy reads the body of the request, and
// that of the response.
type readers struct {
	request, response policy.Section
	sees              bool // the response, from inbound
}

func (r readers) with(o readers) readers {
	return readers{r.request | o.request, r.response | o.response, r.sees || o.sees}
}

func (r readers) without(o readers) readers {
	return readers{r.request &^ o.request, r.response &^ o.response, r.sees && !o.sees}
}

func (r readers) String() string {
	var list []string
	if r.request != 0 {
		list = append(list, "reads that of the request in "+strings.ReplaceAll(r.request.String(), ", ", " and "))
	}
	if r.response != 0 {
		list = append(list, "reads that of the response in "+strings.ReplaceAll(r.response.String(), ", ", " and "))
	}
	if r.sees {
		list = append(list, "looks at the response later")
	}
	if list == nil {
		return "reads none"
	}
	return strings.Join(list, ", ")
}

// bodies says which bodies a policy reads, and with what it reads more.
func bodies(t *testing.T, p *policy.PolicyType) string {
	t.Helper()
	compiled, always := sampleReaders(p, variant{})
	if !compiled {
		t.Errorf("%s: got no section in which %s compiles", p.Name, sample(&p.ElementType, variant{}))
	}
	var order []readers
	with := map[readers][]string{}
	for _, v := range variantsOf(&p.ElementType) {
		_, r := sampleReaders(p, v)
		if r = r.without(always); r == (readers{}) {
			continue
		}
		if with[r] == nil {
			order = append(order, r)
		}
		with[r] = append(with[r], v.String())
	}
	text := always.String()
	for _, r := range order {
		text += "; " + strings.Join(with[r], " or ") + " " + r.String()
	}
	return text
}

// sampleReaders compiles a sample in all its sections, and says whether that can
// be done in one of them, and where it reads a body.
func sampleReaders(p *policy.PolicyType, v variant) (compiled bool, all readers) {
	for _, s := range []policy.Section{policy.Inbound, policy.Backend, policy.Outbound, policy.OnError} {
		if p.Sections&s == 0 {
			continue
		}
		if r, err := compileSample(p, sample(&p.ElementType, v), s); err == nil {
			compiled, all = true, all.with(r)
		}
	}
	return compiled, all
}
