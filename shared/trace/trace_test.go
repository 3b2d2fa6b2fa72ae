package trace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/seal"
	"toolgate/shared/state"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func newSealer(t testing.TB) *Sealer {
	t.Helper()
	s, err := NewSealer([]byte(strings.Repeat("k", seal.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestToken(t *testing.T) {
	s := newSealer(t)
	good := Token{Server: "notes", Expires: noon.Add(time.Hour), Bodies: 10}
	text, err := s.Issue(good, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text, server string
		now                time.Time
		want               error
	}{
		{"good", text, "notes", noon.Add(59 * time.Minute), nil},
		{"expired", text, "notes", noon.Add(time.Hour), ErrTokenExpired},
		{"another server", text, "orders", noon, ErrTokenServer},
		{"altered", "A" + text[1:], "notes", noon, ErrToken},
		{"none", "", "notes", noon, ErrToken},
	} {
		got, err := s.Open(c.text, c.server, c.now)
		if !errors.Is(err, c.want) || err == nil && (got.Server != good.Server || got.Bodies != good.Bodies) {
			t.Errorf("%s: got %v, %v, want %v", c.name, got, err, c.want)
		}
	}
	for _, bad := range []Token{
		{Server: "notes", Expires: noon.Add(time.Hour + time.Second)}, {Server: "notes", Expires: noon}, {Expires: noon.Add(time.Hour)},
		{Server: "notes", Expires: noon.Add(time.Hour), Bodies: MaxBodies + 1},
	} {
		if _, err := s.Issue(bad, noon); err == nil {
			t.Errorf("%+v: got a token", bad)
		}
	}
}

func TestSensitive(t *testing.T) {
	for name, want := range map[string]bool{
		"Authorization": true, "Ocp-Apim-Subscription-Key": true, "Set-Cookie": true, "access-token": true, "sig": true, "code": true, "X-Functions-Key": true,
		"Accept": false, "status": false, "Idempotency-Key": false, "Content-Type": false,
	} {
		if got := sensitive(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// What one header tells of a secret holds for all that was recorded before.
func TestRedaction(t *testing.T) {
	const gatewaySecret = "resolved-secret"
	r := Begin(Options{Redact: func(text string) string { return strings.ReplaceAll(text, gatewaySecret, redacted) }})
	s := r.Root().Step("a " + gatewaySecret)
	s.Say("detail", "before", "Zm9vOmJhcmJheg is planted-1, and 100% planted-2/x")
	s.Say("detail", "long", strings.Repeat("x", maxKept-4)+"planted-1")
	s.Say("detail", "longer", strings.Repeat(gatewaySecret, maxSeen/len(gatewaySecret)+1))
	s.Say("detail", "jwt", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.abc")
	s.Say("detail", "scheme", "Bearer abcdefgh")
	r.LearnHeader(http.Header{"X-Api-Key": {"planted-1"}, "Authorization": {"Basic YW5uOnBsYW50ZWQtMi94"}, "Accept": {"is"}}) // ann:planted-2/x
	s.Note(policy.Note{Kind: policy.NoteVariable, Name: "the-token", Value: "planted-3"})
	s.Note(policy.Note{Kind: policy.NoteVariable, Name: "copy", Value: "of planted-3"})
	u := &url.URL{Scheme: "https", User: url.UserPassword("ann", "planted-4"), Host: "a.test", RawQuery: "api-key=planted-5&a=1&k=" + url.QueryEscape("planted-2/x")}
	end := s.request((&http.Request{Method: "GET", URL: u, Header: http.Header{"X-Token": {"planted-6"}}}).WithContext(t.Context()))
	end(nil, errors.New("no way to planted-6"))
	s.End(fmt.Errorf("failed with %s", gatewaySecret))
	got := r.Take(Trace{Server: "notes", Error: "planted-1 " + gatewaySecret, Call: &Call{Params: []byte(`{"a":"planted-1"}`)}})
	text := string(got.JSON())
	for _, secret := range []string{"planted", gatewaySecret, "eyJ", "abcdefgh", "YW5u"} {
		if strings.Contains(text, secret) {
			t.Errorf("the trace shows %q: %s", secret, text)
		}
	}
	if !strings.Contains(text, `"a":"[secret]"`) || !strings.Contains(text, "a.test?api-key=[secret]&a=1") {
		t.Errorf("got %s", text)
	}
	if back, err := Parse(got.JSON()); err != nil || back.Server != "notes" || len(back.Steps) != 1 {
		t.Errorf("read back: got %v, %v", back, err)
	}
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		text, secret string
		want         int
	}{{"ab", "bcd", 1}, {"abc", "bcd", 2}, {"a", "b", 0}, {"", "b", 0}, {"bcd", "bcd", 3}} {
		if got := overlap(c.text, c.secret); got != c.want {
			t.Errorf("%q and %q: got %d, want %d", c.text, c.secret, got, c.want)
		}
	}
}

func TestKeeper(t *testing.T) {
	now := noon
	k := &Keeper{Store: &state.Memory{}, Sealer: newSealer(t), Now: func() time.Time { return now }}
	r := Begin(Options{Now: k.Now})
	r.Root().Step("one").End(nil)
	made := r.Take(Trace{Server: "notes", Status: 200})
	if err := k.Put(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id, server string
		after      time.Duration
		want       error
	}{
		{made.ID, "notes", 0, nil}, {made.ID, "", Kept - 1, nil}, {made.ID, "orders", 0, ErrNotFound}, {made.ID, "notes", Kept, ErrNotFound},
		{"../x", "notes", 0, ErrNotFound}, {strings.Repeat("0", 32), "notes", 0, ErrNotFound},
	} {
		now = noon.Add(c.after)
		if got, err := k.Get(t.Context(), c.id, c.server); !errors.Is(err, c.want) || err == nil && got.Steps[0].Name != "one" {
			t.Errorf("%+v: got %v, %v", c, got, err)
		}
	}
	now = noon
	other := *k
	other.Sealer, _ = NewSealer([]byte(strings.Repeat("o", seal.MinSecret)))
	if _, err := other.Get(t.Context(), made.ID, ""); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("another key: got %v", err)
	}
}

// A trace of any size has its row, with as much of it as there is room for.
func TestKeeperBounds(t *testing.T) {
	k := &Keeper{Store: &state.Memory{}, Sealer: newSealer(t)}
	r := Begin(Options{})
	deep := r.Root()
	for i := range maxSteps + 10 {
		s := deep.Step(newID())
		if i%10 == 0 {
			deep = s
		}
		for range 8 {
			s.Say("detail", newID(), strings.Repeat(newID(), 10))
		}
	}
	made := r.Take(Trace{Server: "notes"})
	if made.Omitted != 10 {
		t.Errorf("got %d omitted steps, want 10", made.Omitted)
	}
	if err := k.Put(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(t.Context(), made.ID, ""); err != nil {
		t.Error(err)
	}
}

// What is not traced costs nothing.
func TestNilSpan(t *testing.T) {
	if n := testing.AllocsPerRun(10, func() {
		s := Of(context.Background()).Step("a")
		s.Say("detail", "a", "b")
		s.End(nil)
		s.Refuse(nil)
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func TestRecords(t *testing.T) {
	list, err := ReadRecords(strings.NewReader(`{"time":"2026-01-31T12:00:00Z","server":"a","method":"tools/list","decision":{"allowed":true,"status":200}}` + "\n\n"))
	if err != nil || len(list) != 1 || list[0].Decision.Status != 200 {
		t.Errorf("got %v, %v", list, err)
	}
	for _, bad := range []string{"{", `{"server":"a"}`, "[]"} {
		if _, err := ReadRecords(strings.NewReader("\n" + bad)); err == nil || !strings.HasPrefix(err.Error(), "reading line 2: ") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func FuzzReadRecords(f *testing.F) {
	f.Add(`{"server":"a","method":"b","params":{},"decision":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadRecords(strings.NewReader(text))
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("got %T", err)
			}
			return
		}
		for i := range list {
			if _, err := AppendRecord(nil, &list[i]); err != nil {
				t.Error(err)
			}
			if d := list[i].Decision.Differences(&list[i].Decision); len(d) > 0 {
				t.Errorf("a decision differs from itself: %v", d)
			}
		}
	})
}

func TestDecision(t *testing.T) {
	failed := Step{Kind: Policy, Name: "forward-request", Scope: "api", Section: "backend", Path: "retry[1]/forward-request[1]", Outcome: Failed, Failure: &Failure{Reason: "Timeout"}}
	sent := Step{Kind: Request, Name: "GET https://a.test/", Effects: []Effect{{Kind: "status", After: "200"}, {Kind: "header", Name: "X-A", After: "1"}, {Kind: "header", Name: "Traceparent", After: "2"}}}
	returned := Step{Kind: Policy, Name: "return-response", Scope: "api", Section: "inbound", Path: "choose[1]/return-response[1]", Outcome: Returned, Steps: []Step{{Kind: Policy, Name: "set-status"}}}
	for _, c := range []struct {
		name  string
		trace Trace
		want  Decision
	}{
		{"nothing", Trace{Status: 200}, Decision{Allowed: true, Status: 200}},
		{"a request", Trace{Status: 200, Steps: []Step{sent}}, Decision{Allowed: true, Status: 200, Requests: []Sent{{Request: sent.Name, Headers: map[string]string{"X-A": "1"}, Status: 200}}}},
		{"a retry that helped", Trace{Status: 200, Steps: []Step{{Kind: Policy, Name: "retry", Steps: []Step{failed}}}}, Decision{Allowed: true, Status: 200}},
		{"one that did not", Trace{Status: 200, Failed: true, Steps: []Step{{Kind: Policy, Name: "retry", Outcome: Failed, Steps: []Step{failed}}}},
			Decision{Status: 200, Failed: true, Reason: "Timeout", Policy: "api/backend/retry[1]/forward-request[1]"}},
		{"a response of a policy", Trace{Status: 403, Steps: []Step{{Kind: Policy, Name: "choose", Outcome: Returned, Steps: []Step{returned}}}},
			Decision{Status: 403, Policy: "api/inbound/choose[1]/return-response[1]"}},
		{"the gateway", Trace{Status: 200, Failed: true, Steps: []Step{{Kind: Gateway, Name: "arguments", Outcome: Failed, Failure: &Failure{Message: "no"}}}},
			Decision{Status: 200, Failed: true, Policy: "arguments"}},
	} {
		if got := c.trace.Decision(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}
