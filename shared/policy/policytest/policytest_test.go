package policytest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/policies"
	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"

	"golang.org/x/tools/txtar"
)

const document = "-- policy.xml --\n<policies><inbound /><backend><forward-request /></backend><outbound /></policies>\n"

func transcript(t *testing.T, text string, o policytest.Options) (string, error) {
	t.Helper()
	o.Policies = policies.Registry()
	return policytest.Transcript(t.Context(), txtar.Parse([]byte(text)), o)
}

// What is wrong with a test has its line in the file.
func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown section", "prose\n\n-- requets --\nGET /x\n", "line 3: -- requets --: a test of a policy has no such file"},
		{"unknown setting", document + "-- settings --\nnow: 2026-01-31T12:00:00Z\n\ntime: 1\n", "line 6: -- settings --: time: there is no such setting"},
		{"setting without a value", document + "-- settings --\nscope\n", `line 4: -- settings --: "scope" has no ":"`},
		{"scope", document + "-- settings --\nscope: gobal\n", `line 4: -- settings --: scope: there is no scope "gobal"`},
		{"header", document + "-- request --\nGET /x\nA: b\nno header\n", "line 6: -- request --: this is no header: no header"},
		{"request line", document + "-- request --\nGET\n", `line 3: -- request --: "GET" is no request`},
		{"status", document + "-- backend --\nOK\n", `line 4: -- backend --: a scripted response begins with "OK", which is no status`},
		{"duration", document + "-- wait 10 --\n", `line 3: -- wait 10 --: time: missing unit in duration "10"`},
		{"unused", document + "-- request --\nGET /x\n-- backend GET *y --\n200\n", "line 5: -- backend GET *y --: no request came for this response"},
		{"document elsewhere", "-- policy.xml --\nfile: a.xml\n", "line 2: -- policy.xml --: documents of other files are not at hand"},
	} {
		_, err := transcript(t, c.text, policytest.Options{})
		if _, placed := errors.AsType[*policytest.Error](err); !placed || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// The folder gives what the test does not have.
func TestFolder(t *testing.T) {
	o := policytest.Options{
		NamedValues: map[string]string{"a": "of the folder", "b": "of the folder"},
		Fragments: map[string][]byte{
			"one": []byte(`<fragment><set-header name="One"><value>of the folder, {{a}}, {{b}}</value></set-header></fragment>`),
			"two": []byte(`<fragment />`),
		},
		Backends: map[string]*policy.BackendEntity{},
		Document: func(name string) ([]byte, error) {
			return []byte(`<policies><inbound><include-fragment fragment-id="one" /><include-fragment fragment-id="two" /></inbound><backend><forward-request /></backend></policies>`), nil
		},
	}
	got, err := transcript(t, `-- policy.xml --
file: policies/x.xml
-- fragment two --
<fragment><set-header name="Two"><value>of the test</value></set-header></fragment>
-- settings --
named-value b: of the test
-- request --
GET /x
`, o)
	const want = `backend GET http://backend.test/x
  One: of the folder, of the folder, of the test
  Two: of the test
response 200
`
	if err != nil || got != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
	o.Document = func(string) ([]byte, error) { return []byte("<policies>\n<inbuond />\n</policies>"), nil }
	got, err = transcript(t, "-- policy.xml --\nfile: policies/x.xml\n", o)
	if err != nil || !strings.HasPrefix(got, "policies/x.xml:2:1: ") {
		t.Errorf("got %v, %s", err, got)
	}
}

func TestDiff(t *testing.T) {
	const want = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"
	for _, c := range []struct{ name, got, diff string }{
		{"equal", want, ""},
		{"changed", strings.Replace(want, "b\n", "B\n", 1), "   10   a\n   11 - b\n      + B\n   12   c\n   13   d\n   14   e\n  ...\n"},
		{"both ends", "x\n" + strings.TrimSuffix(want, "j\n"), "      + x\n   10   a\n   11   b\n   12   c\n  ...\n   16   g\n   17   h\n   18   i\n   19 - j\n"},
		{"nothing", "", "   10 - a\n   11 - b\n   12 - c\n   13 - d\n   14 - e\n   15 - f\n   16 - g\n   17 - h\n   18 - i\n   19 - j\n"},
	} {
		if got := policytest.Diff(want, c.got, 10); got != c.diff {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.diff)
		}
	}
}

func TestWant(t *testing.T) {
	a := txtar.Parse([]byte("prose\n-- request --\nGET /x\n"))
	if got, line := policytest.Want(a); got != "" || line != 5 {
		t.Errorf("got %q at %d", got, line)
	}
	policytest.SetWant(a, "response 200\n")
	a = txtar.Parse(txtar.Format(a))
	if got, line := policytest.Want(a); got != "response 200\n" || line != 5 {
		t.Errorf("got %q at %d", got, line)
	}
}

// A script serves gateways as a transport.
func TestScript(t *testing.T) {
	var out policytest.Writer
	script := policytest.Script{Out: &out}
	for _, s := range policytest.Sections(txtar.Parse([]byte(`
-- backend GET http://a.test/* --
201
X: y

first
-- backend GET http://a.test/* --
unreachable
-- backend GET http://b.test/* --
timeout
`))) {
		if err := script.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	send := func(method, url, body string) (int, string, error) {
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", "left out")
		res, err := script.RoundTrip(req)
		if err != nil {
			return 0, "", err
		}
		content, err := io.ReadAll(res.Body)
		return res.StatusCode, res.Header.Get("X") + string(content), err
	}
	if status, got, err := send("GET", "http://a.test/1", ""); status != 201 || got != "yfirst" || err != nil {
		t.Errorf("got %d %q, %v", status, got, err)
	}
	if err := script.Unused(); err == nil {
		t.Error("got no error for responses that no request came for")
	}
	if _, _, err := send("GET", "http://a.test/2", ""); err == nil || err.Error() != "unreachable" {
		t.Errorf("got %v, want unreachable", err)
	}
	if _, _, err := send("GET", "http://b.test/", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a timeout", err)
	}
	if status, got, err := send("POST", "http://c.test/", "a\nb"); status != 200 || got != "" || err != nil {
		t.Errorf("got %d %q, %v where the script has nothing", status, got, err)
	}
	if err := script.Unused(); err != nil {
		t.Error(err)
	}
	const want = "backend GET http://a.test/1\nbackend GET http://a.test/2\nbackend GET http://b.test/\nbackend POST http://c.test/\n  | a\n  | b\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
