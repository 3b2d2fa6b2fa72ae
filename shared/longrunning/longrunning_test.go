package longrunning_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"toolgate/shared/longrunning"
)

var now = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func parse(t testing.TB, text string) *url.URL {
	t.Helper()
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func shown(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}

// header reads lines of "Name: value".
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	return h
}

func TestStarted(t *testing.T) {
	const at = "https://a.test/v1/orders?x=1"
	tests := []struct {
		name, method string
		status       int
		header       http.Header
		url, result  string // no url: nothing goes on
		kind         longrunning.Kind
		wait         time.Duration
	}{
		{"location", "POST", 202, header("Location: /jobs/1", "Retry-After: 3"), "https://a.test/jobs/1", "", longrunning.Location, 3 * time.Second},
		{"relative", "POST", 202, header("Location: jobs/1"), "https://a.test/v1/jobs/1", "", longrunning.Location, 0},
		{"created", "POST", 201, header("Location: /jobs/1"), "", "", 0, 0},
		{"monitor", "POST", 200, header("Operation-Location: https://a.test/o?k=1#f"), "https://a.test/o?k=1", "", longrunning.Monitor, 0},
		{"monitor and result", "POST", 202, header("Azure-AsyncOperation: /o", "Location: /r"), "https://a.test/o", "https://a.test/r", longrunning.Monitor, 0},
		{"resource", "PUT", 201, header("Azure-AsyncOperation: /o", "Location: /r"), "https://a.test/o", at, longrunning.Monitor, 0},
		{"both", "POST", 202, header("Azure-AsyncOperation: /a", "Operation-Location: /b"), "https://a.test/b", "", longrunning.Monitor, 0},
		{"a date", "POST", 202, header("Location: /j", "Retry-After: Sat, 31 Jan 2026 12:01:00 GMT"), "https://a.test/j", "", longrunning.Location, time.Minute},
		{"a date that has passed", "POST", 202, header("Location: /j", "Retry-After: Sat, 31 Jan 2026 11:01:00 GMT"), "https://a.test/j", "", longrunning.Location, 0},
		{"for ever", "POST", 202, header("Location: /j", "Retry-After: 99999999999999"), "https://a.test/j", "", longrunning.Location, 24 * time.Hour},
		{"nothing said", "POST", 202, header(), "", "", 0, 0},
		{"refused", "POST", 409, header("Operation-Location: /o"), "", "", 0, 0},
		{"no http", "POST", 202, header("Location: file:///etc/passwd"), "", "", 0, 0},
		{"a user", "POST", 202, header("Location: https://u:p@a.test/"), "", "", 0, 0},
		{"opaque", "POST", 202, header("Location: https:jobs"), "", "", 0, 0},
		{"no URL", "POST", 202, header("Location: http://[::1"), "", "", 0, 0},
		{"control characters", "POST", 202, header("Location: /a\x7fb"), "", "", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := longrunning.Started(&longrunning.Answer{Method: tt.method, URL: parse(t, at), Status: tt.status, Header: tt.header}, now)
			if ok != (tt.url != "") {
				t.Fatalf("got %+v, %v", got, ok)
			}
			if ok && (shown(got.URL) != tt.url || shown(got.Result) != tt.result || got.Kind != tt.kind || got.Wait != tt.wait) {
				t.Errorf("got %s, %s, %v, %v, want %+v", got.URL, got.Result, got.Kind, got.Wait, tt)
			}
		})
	}
}

func TestRead(t *testing.T) {
	const monitor, location = longrunning.Monitor, longrunning.Location
	tests := []struct {
		name         string
		kind         longrunning.Kind
		status       int
		header, body string
		member       string
		state        longrunning.State
		result, next string
	}{
		{"running", monitor, 200, "", `{"status":"Running"}`, "", longrunning.Working, "", ""},
		{"of another word", monitor, 200, "", `{"status":"NotStarted"}`, "", longrunning.Working, "", ""},
		{"succeeded", monitor, 200, "", `{"status":"Succeeded"}`, "", longrunning.Succeeded, "", "https://a.test/final"},
		{"with a result", monitor, 200, "", `{"status":"succeeded","result":{"n":1.0}}`, "", longrunning.Succeeded, `{"n":1.0}`, ""},
		{"with a resource", monitor, 200, "", `{"status":"succeeded","resourceLocation":"/r","result":1}`, "", longrunning.Succeeded, "", "https://a.test/r"},
		{"accepted, and succeeded", monitor, 202, "", `{"status":"done"}`, "", longrunning.Succeeded, "", "https://a.test/final"},
		{"accepted", monitor, 202, "", `{}`, "", longrunning.Working, "", ""},
		{"without a state", monitor, 200, "", `{"n":1}`, "", longrunning.Succeeded, "", "https://a.test/final"},
		{"failed", monitor, 200, "", `{"state":"FAILED"}`, "", longrunning.Failed, "", ""},
		{"failed, by the status too", monitor, 500, "", `{"state":"timed_out"}`, "", longrunning.Failed, "", ""},
		{"cancelled", monitor, 200, "", `{"properties":{"provisioningState":"Canceled"}}`, "", longrunning.Cancelled, "", ""},
		{"a member of its own", monitor, 200, "", `{"status":"done","job":{"phase":"in progress"}}`, "job.phase", longrunning.Working, "", ""},
		{"a number", monitor, 200, "", `{"phase":3}`, "phase", longrunning.Working, "", ""},
		{"a name twice", monitor, 200, "", `{"status":"Running","status":"Succeeded"}`, "", longrunning.Succeeded, "", "https://a.test/final"},
		{"away", monitor, 503, "", ``, "", longrunning.Unknown, "", ""},
		{"too often", location, 429, "", ``, "", longrunning.Unknown, "", ""},
		{"forgotten", monitor, 404, "", ``, "", longrunning.Lost, "", ""},
		{"not for us", location, 401, "", ``, "", longrunning.Lost, "", ""},
		{"location: goes on", location, 202, "", `{"status":"Succeeded"}`, "", longrunning.Working, "", ""},
		{"location: over", location, 200, "", `{"status":"Running"}`, "", longrunning.Succeeded, "", "https://a.test/final"},
		{"location: elsewhere", location, 303, "/r", ``, "", longrunning.Succeeded, "", "https://a.test/r"},
		{"location: nowhere", location, 302, "", ``, "", longrunning.Lost, "", ""},
		{"not modified", location, 304, "", ``, "", longrunning.Working, "", ""},
		{"durable", location, 200, "", `{"runtimeStatus":"Completed","output":[1]}`, "", longrunning.Succeeded, `[1]`, ""},
		{"durable, without output", location, 200, "", `{"runtimeStatus":"Completed","output":null}`, "", longrunning.Succeeded, "", ""},
		{"durable, goes on", location, 202, "", `{"runtimeStatus":"Running"}`, "", longrunning.Working, "", ""},
		{"durable, failed", location, 200, "", `{"runtimeStatus":"Failed"}`, "", longrunning.Failed, "", ""},
		{"durable, ended", location, 200, "", `{"runtimeStatus":"Terminated"}`, "", longrunning.Cancelled, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := longrunning.Operation{Kind: tt.kind, Result: parse(t, "https://a.test/final")}
			h := header()
			if tt.header != "" {
				h.Set("Location", tt.header)
			}
			got := o.Read(&longrunning.Answer{URL: parse(t, "https://a.test/o/1"), Status: tt.status, Header: h, Body: []byte(tt.body)}, tt.member, now)
			if tt.name == "location: over" {
				tt.next = "https://a.test/final"
			}
			if got.State != tt.state || string(got.Result) != tt.result || shown(got.Next) != tt.next {
				t.Errorf("got %v, %s, %s, want %v, %s, %s", got.State, got.Result, shown(got.Next), tt.state, tt.result, tt.next)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	tests := []struct{ template, want string }{
		{"/jobs/{id}", "/jobs/a%20b"},
		{"/jobs/{job.n}/x?q={id}&n={job.n}", "/jobs/12.50/x?q=a+b&n=12.50"},
		{"/jobs/{arg}", "/jobs/%2F..%2F"},
		{"/jobs/{dots}", ""},
		{"/jobs/{dot}{dot}", ""},
		{"/jobs/{none}", ""},
		{"/jobs/{job}", ""},
		{"/jobs/{empty}", ""},
		{"/jobs", "/jobs"},
	}
	first, second := []byte(`{"id":"a b","job":{"n":12.50},"dots":"..","dot":".","empty":""}`), []byte(`{"id":"other","arg":"/../"}`)
	for _, tt := range tests {
		got, ok := longrunning.Expand(tt.template, first, second)
		if !ok {
			got = ""
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.template, got, tt.want)
		}
	}
}

func TestCheckTemplate(t *testing.T) {
	for _, good := range []string{"/jobs/{id}", "/jobs/{a.b}/x?v=1&id={id}", "/"} {
		if got := longrunning.CheckTemplate(good); got != "" {
			t.Errorf("%s %s", good, got)
		}
	}
	for _, bad := range []string{"jobs/{id}", "//host/{id}", "/a/../b", "/./a", "/jobs/{}", "/jobs/{id", "/jobs/id}", "/jobs/{a/b}", "/a#b", "/a b", "https://a.test/{id}", "/%zz"} {
		if longrunning.CheckTemplate(bad) == "" {
			t.Errorf("%s is let pass", bad)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(200, "/r", `{"status":"Succeeded","result":1}`, "status", "/jobs/{id}")
	f.Add(202, "https://a.test", `{"properties":{"status":"x"}}`, "properties.status", "/{a.b}?{c}")
	f.Fuzz(func(t *testing.T, status int, location, body, member, template string) {
		a := &longrunning.Answer{Method: "POST", URL: parse(t, "https://a.test/o/1"), Status: status, Body: []byte(body), Header: http.Header{
			"Location": {location}, "Operation-Location": {location}, "Retry-After": {location},
		}}
		o, ok := longrunning.Started(a, now)
		if ok && (o.URL.Host == "" || o.URL.User != nil || o.URL.Scheme != "http" && o.URL.Scheme != "https") {
			t.Errorf("got %s of %q", o.URL, location)
		}
		p := o.Read(a, member, now)
		if p.Wait < 0 || p.Wait > 24*time.Hour {
			t.Errorf("got %v", p.Wait)
		}
		if p.Next != nil && p.Next.Host == "" {
			t.Errorf("got %s of %q", p.Next, location)
		}
		if longrunning.CheckTemplate(template) != "" {
			return
		}
		if path, ok := longrunning.Expand(template, []byte(body)); ok {
			u, err := url.Parse("https://a.test" + path)
			if err != nil || u.Host != "a.test" {
				t.Errorf("got %q of %q: %v", path, template, err)
			}
		}
	})
}
