package governance_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"
)

// judgedBody is a gateway whose policy says of a body what an expression does.
func judgedBody(t *testing.T, expression string) string {
	t.Helper()
	return folder.Serve(t, folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\napis: { a: { path: a, operations: { post: { method: POST, urlTemplate: /, policy: a.xml } } } }\n",
		"a.xml":        `<policies><inbound><return-response><set-body>@(` + expression + `)</set-body></return-response></inbound></policies>`,
	}), nil, gateway.Options{Services: services.New(services.Options{})})
}

func postBody(t *testing.T, url, contentType, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	res := do(t, req)
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(content)
}

// Patterns that make other engines try every way take no longer for it here.
func TestRegexesTakeLinearTime(t *testing.T) {
	for _, pattern := range []string{"^(a+)+$", "^(a|aa)+$", "^(.*)*,(.*)*$", "(x+x+)+y"} {
		base := judgedBody(t, `"" + Regex.IsMatch(context.Request.Body.As<string>(), @"`+pattern+`")`)
		begun := time.Now()
		status, answer := postBody(t, base+"/a/", "text/plain", strings.Repeat("a", 50_000)+strings.Repeat("x", 50_000)+"!")
		if took := time.Since(begun); took > 10*time.Second || status != http.StatusOK || answer != "False" {
			t.Errorf("%s: got %d %.100s after %v", pattern, status, answer, took)
		}
	}
}

// Entities of a document type are neither expanded nor fetched.
func TestEntitiesAreNotExpanded(t *testing.T) {
	base := judgedBody(t, `context.Request.Body.As<XDocument>().Root.Value`)
	laughs := `<!DOCTYPE a [<!ENTITY l0 "planted">`
	for i := range 9 {
		name, of := string(rune('0'+i+1)), "&l"+string(rune('0'+i))+";"
		laughs += `<!ENTITY l` + name + ` "` + strings.Repeat(of, 10) + `">`
	}
	for name, body := range map[string]string{
		"billion laughs":       laughs + `]><a>&l9;</a>`,
		"an external entity":   `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>planted&x;</a>`,
		"an undeclared entity": `<a>planted&x;</a>`,
	} {
		status, answer := postBody(t, base+"/a/", "application/xml", body)
		if status != http.StatusInternalServerError || strings.Contains(answer, "planted") {
			t.Errorf("%s: got %d %.200s", name, status, answer)
		}
	}
	if status, answer := postBody(t, base+"/a/", "application/xml", `<a>1 &lt; 2</a>`); status != http.StatusOK || answer != "1 < 2" {
		t.Errorf("got %d %s", status, answer)
	}
}

// What a document type names is not fetched.
func TestDocumentTypesAreNotFetched(t *testing.T) {
	fetched := make(chan string, 1)
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fetched <- r.URL.Path }))
	defer site.Close()
	base := judgedBody(t, `context.Request.Body.As<XDocument>().Root.Value`)
	status, answer := postBody(t, base+"/a/", "application/xml", `<!DOCTYPE a SYSTEM "`+site.URL+`/a.dtd" [<!ENTITY % x SYSTEM "`+site.URL+`/x"> %x;]><a>text</a>`)
	if status != http.StatusOK && status != http.StatusInternalServerError || len(fetched) > 0 {
		t.Errorf("got %d %s, and %d requests", status, answer, len(fetched))
	}
}

// Headers of the client's connection end at the gateway, and so do those that it
// names as such: no request to a backend can be ended or extended by them.
func TestHeadersOfTheConnectionStop(t *testing.T) {
	seen := make(chan *http.Request, 1)
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r }))
	defer site.Close()
	base := folder.Serve(t, folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\nbackends: { b: { url: \"" + site.URL + "\" } }\napis: { a: { path: a, backend: b, operations: { post: { method: POST, urlTemplate: / } } } }\n",
	}), nil, gateway.Options{Services: services.New(services.Options{})})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/a/", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	stop := []string{"X-Named", "Te", "Upgrade", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection"}
	for _, name := range stop {
		req.Header.Set(name, "planted")
	}
	req.Header.Set("Connection", "keep-alive, x-named")
	req.Header.Set("X-Passes", "yes")
	res := do(t, req)
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %d, %v", res.StatusCode, err)
	}
	got := <-seen
	for _, name := range append(stop, "Connection") {
		if v := got.Header.Get(name); v != "" {
			t.Errorf("the backend got %s: %s", name, v)
		}
	}
	if got.Header.Get("X-Passes") != "yes" || got.ContentLength != 4 || len(got.TransferEncoding) > 0 {
		t.Errorf("the backend got %v, length %d, coding %v", got.Header, got.ContentLength, got.TransferEncoding)
	}
}
