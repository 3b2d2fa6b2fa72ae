package corpus_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/policies"
	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"
	"toolgate/shared/services"
)

var update = flag.Bool("update", false, "write transcripts and lists into testdata")

// outcome is what came of compiling a document.
type outcome struct {
	stage string // what it did not pass: parse, validate, compose or compile; empty: it is a pipeline
	err   error
}

// TestCompile compiles every document to a pipeline, and compares those that are
// none, with the reasons, with testdata/compile.txt.
func TestCompile(t *testing.T) {
	l := newLibrary(t)
	var out strings.Builder
	compiled := 0
	for _, name := range l.names {
		o := l.compile(name)
		if o.stage == "" {
			compiled++
			continue
		}
		fmt.Fprintf(&out, "%s: %s\n", name, o.stage)
		for line := range strings.Lines(o.err.Error()) {
			fmt.Fprintf(&out, "\t%s\n", strings.TrimPrefix(strings.TrimSpace(line), name+":"))
		}
	}
	got := fmt.Sprintf("%d of %d documents compile.\n%s", compiled, len(l.names), out.String())
	t.Log(got)
	const golden = "testdata/compile.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (- wanted, + got)\n%s", golden, policytest.Diff(string(want), got, 1))
	}
}

// library has the documents of the corpus.
type library struct {
	names    []string
	contents map[string][]byte
	services *policy.Services
}

func newLibrary(t *testing.T) *library {
	made := services.New(services.Options{})
	l := &library{contents: map[string][]byte{}, services: &made}
	for name, content := range files(t) {
		l.names = append(l.names, name)
		l.contents[name] = []byte(placeholders.Replace(string(content)))
	}
	l.services.Connections, l.services.Certificates = struct{ policy.Connections }{}, everything{}
	l.services.Sender, l.services.Sink = struct{ policy.Sender }{}, struct{ policy.Sink }{}
	l.services.Backends, l.services.Schemas = everything{}, everything{}
	l.services.Operations = struct{ policy.Operations }{}
	return l
}

// compile makes a pipeline of a document, with the first stubs of named values
// that do.
func (l *library) compile(name string) outcome {
	first := l.compileWith(name, stub)
	if first.stage == "" || l.compileWith(name, func(string) string { return someURL }).stage == "" {
		return outcome{}
	}
	return first
}

// compileWith makes a pipeline of a document at the first scope that lets it
// stand, or of a fragment in the first section that does.
func (l *library) compileWith(name string, stub func(string) string) outcome {
	d, faults := policy.Parse(name, l.contents[name], policy.ParseOptions{NamedValues: namedValues(l.contents[name], stub)})
	if err := faults.Err(); err != nil {
		return outcome{"parse", err}
	}
	faults = policy.Validate(d, policy.ValidateOptions{Compiler: policy.CSharp{}})
	if err := faults.Err(); err != nil {
		return outcome{"validate", err}
	}
	var first outcome
	for _, document := range standing(name, d) {
		for _, scope := range []policy.Scope{policy.ScopeAPI, policy.ScopeProduct, policy.ScopeOperation, policy.ScopeGlobal} {
			o := l.pipeline(scope, document, l.fragments(name, d))
			if o.stage == "" {
				return o
			}
			if first.stage == "" {
				first = o
			}
		}
	}
	return first
}

// standing is the document, or for a fragment documents that include it.
func standing(name string, d *policy.Document) []*policy.Document {
	if d.Root != policy.RootFragment {
		return []*policy.Document{d}
	}
	var list []*policy.Document
	for _, section := range []string{"inbound", "outbound", "backend", "on-error"} {
		text := fmt.Sprintf(`<policies><%s><include-fragment fragment-id=%q /></%[1]s></policies>`, section, name)
		around, _ := policy.Parse(name, []byte(text), policy.ParseOptions{})
		list = append(list, around)
	}
	return list
}

func (l *library) pipeline(scope policy.Scope, d *policy.Document, fragments map[string]*policy.Document) outcome {
	effective, faults := policy.Compose([]policy.Layer{{Scope: scope, Document: d}}, fragments)
	if err := faults.Err(); err != nil {
		return outcome{"compose", err}
	}
	_, faults = policy.Compile(effective, policy.CompileOptions{Policies: policies.Registry(), Services: l.services})
	if err := faults.Err(); err != nil {
		return outcome{"compile", err}
	}
	return outcome{}
}

// fragments are those that a document includes, and itself where it is one: of
// the file in the same repository that is called so, and empty where there is none.
func (l *library) fragments(name string, d *policy.Document) map[string]*policy.Document {
	list := map[string]*policy.Document{}
	if d.Root == policy.RootFragment {
		list[name] = d
	}
	for e := range d.All() {
		id, ok := e.Attribute("fragment-id")
		if !ok || e.Name != "include-fragment" {
			continue
		}
		content := []byte("<fragment />")
		for _, other := range l.names {
			if path.Dir(other) == path.Dir(name) && strings.HasSuffix(strings.ToLower(other), "__"+strings.ToLower(id.Value.Source)+".xml") {
				content = l.contents[other]
			}
		}
		list[id.Value.Source], _ = policy.Parse(id.Value.Source, content, policy.ParseOptions{NamedValues: namedValues(content, stub)})
	}
	return list
}

// namedValues has a value for each name that a text has in double braces.
func namedValues(content []byte, stub func(name string) string) map[string]string {
	values := map[string]string{}
	report := policy.Assess(func(yield func(string, []byte) bool) { yield("", content) }, policy.AssessOptions{})
	for _, name := range report.Documents[0].NamedValues {
		values[name] = stub(strings.ToLower(name))
	}
	return values
}

const (
	someURL    = "https://contoso.com/a"
	someSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// stub is a URL or a secret for a name that says so, and else a number.
func stub(name string) string {
	is := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
	}
	switch {
	case is("url", "uri", "endpoint", "audience", "scope", "server", "alternate-host"):
		return someURL
	case is("signing", "hashing"):
		return someSecret
	default:
		return "1"
	}
}

// placeholders are those that authors put in before they deploy a document, with
// what could stand there.
var placeholders = strings.NewReplacer(
	"{retry-count}", "3", "{retry_count}", "3", "{tpm}", "100", "{database-account}", "contoso", "{jwt_signing_key}", someSecret,
	"{product-token-limits}", `<when condition="true" />`, `base-url=""`, `base-url="`+someURL+`"`,
)

// everything has whatever policies ask for by name.
type everything struct{}

func (everything) Certificate(_, _ string) *policy.Certificate { return &policy.Certificate{} }

func (everything) Backend(id string) *policy.BackendEntity {
	return &policy.BackendEntity{ID: id, URL: &url.URL{Scheme: "https", Host: "contoso.com"}, Credentials: true}
}

func (everything) IDs() []string { return nil }

func (everything) Schema(string) policy.JSONSchema { return struct{ policy.JSONSchema }{} }
