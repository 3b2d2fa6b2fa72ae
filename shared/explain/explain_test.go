package explain_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"toolgate/shared/explain"
	"toolgate/shared/gatewaytest"
	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"
	"toolgate/shared/trace"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the tables that come out into the tests")

// ids are those of traces, which are another one in each run.
var ids = regexp.MustCompile(`trace [0-9a-f]{32}`)

// explained runs the requests of a file of testdata.
func explained(t *testing.T, file string) (*txtar.Archive, []*trace.Trace) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse(content)
	o := gatewaytest.ExplainOptions{Bodies: 64}
	for _, f := range archive.Files { // who calls
		switch f.Name {
		case "claims.json":
			o.Claims = f.Data
		case "scope.txt":
			if o.Subscription, err = policy.ParseSubscriptionScope(strings.TrimSpace(string(f.Data))); err != nil {
				t.Fatal(err)
			}
		}
	}
	traces, err := gatewaytest.Explain(t.Context(), archive, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return archive, traces
}

func TestTable(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no tests", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, traces := explained(t, file)
			var out bytes.Buffer
			for i, one := range traces {
				if i > 0 {
					out.WriteByte('\n')
				}
				if err := explain.Table(&out, one, false); err != nil {
					t.Fatal(err)
				}
			}
			got := ids.ReplaceAllString(out.String(), "trace (id)")
			for _, secret := range []string{"planted", "ORDERS_KEY"} {
				if strings.Contains(got, secret) {
					t.Errorf("the table shows %q", secret)
				}
			}
			want, _ := policytest.Want(archive)
			if got == want {
				return
			}
			if *update {
				policytest.SetWant(archive, got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("the table differs (- wanted, + got)\n%s", policytest.Diff(want, got, 1))
		})
	}
}

func TestPage(t *testing.T) {
	_, traces := explained(t, "testdata/orders.txtar")
	traces[0].Steps[0].Name = `<script>alert("x")</script>`
	var out bytes.Buffer
	if err := explain.Page(&out, "Orders", traces); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, secret := range []string{"planted", "ORDERS_KEY", "<script", "http://", "javascript:"} {
		if strings.Contains(text, secret) {
			t.Errorf("the page has %q", secret)
		}
	}
	for _, wanted := range []string{"default-src &#39;none&#39;", "rate-limit-by-key", "429", "prefers-color-scheme:dark", "&lt;script&gt;"} {
		if !strings.Contains(text, wanted) {
			t.Errorf("the page lacks %q", wanted)
		}
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
	}
}

func TestTableColoursOnlyWhenAsked(t *testing.T) {
	one := &trace.Trace{Server: "a\x1b]0;b\x07", Status: 500, Steps: []trace.Step{{Kind: trace.Policy, Name: "x", Outcome: trace.Failed}}}
	for _, colour := range []bool{false, true} {
		var out bytes.Buffer
		if err := explain.Table(&out, one, colour); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "\x1b["); got != colour {
			t.Errorf("colour %v: got escape sequences %v", colour, got)
		}
		if strings.Contains(out.String(), "\x1b]") {
			t.Errorf("a name steers the terminal: %q", out.String())
		}
	}
}

// Policies that run side by side are steps of the one that they stand in, and so are
// their requests.
func TestSideBySide(t *testing.T) {
	archive := txtar.Parse([]byte(`-- gateway.yaml --
name: contoso
apis:
  both: { path: both, operations: { get: { method: GET, urlTemplate: / } }, policy: both.xml }
-- both.xml --
<policies><inbound><wait for="all">
  <send-request mode="new" response-variable-name="a"><set-url>https://192.0.2.8/a</set-url></send-request>
  <send-request mode="new" response-variable-name="b"><set-url>https://192.0.2.8/b</set-url></send-request>
</wait><return-response /></inbound></policies>
-- request --
GET /both
`))
	traces, err := gatewaytest.Explain(t.Context(), archive, nil, gatewaytest.ExplainOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wait := traces[0].Steps[0]
	if wait.Name != "wait" || len(wait.Steps) != 2 {
		t.Fatalf("got %+v", traces[0])
	}
	for _, s := range wait.Steps {
		if s.Name != "send-request" || len(s.Steps) != 1 || s.Steps[0].Kind != trace.Request {
			t.Errorf("got %+v", s)
		}
	}
}
