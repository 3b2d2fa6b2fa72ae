package approval

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/seal"
	"toolgate/shared/state"
)

// desk is a desk on a clock that the test moves.
func desk(t testing.TB, store state.Store, now *time.Time) *Desk {
	t.Helper()
	d, err := New(Options{Store: store, Secret: bytes.Repeat([]byte{1}, seal.MinSecret), Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestState(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	d := desk(t, nil, &now)
	inner := "of the server behind"
	ticket := d.Ticket(Binding{1}, Approved, time.Minute)
	ticket.Inner = &inner
	text, err := d.State(ticket)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Open(text, Binding{1})
	if err != nil || got.ID != ticket.ID || got.Step != Approved || *got.Inner != inner || !got.Expires.Equal(ticket.Expires) {
		t.Errorf("got %+v, %v, want %+v", got, err, ticket)
	}
	link, err := d.Link(ticket, Question{})
	if err != nil {
		t.Fatal(err)
	}
	_, sealed, _ := strings.Cut(link, "=")
	for _, c := range []struct {
		name, text string
		binding    Binding
	}{
		{"another call", text, Binding{2}}, {"changed", text + "A", Binding{1}}, {"empty", "", Binding{1}}, {"of a link", sealed, Binding{1}},
	} {
		if _, err := d.Open(c.text, c.binding); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%s: got %v, want %v", c.name, err, ErrNotOurs)
		}
	}
	now = now.Add(time.Minute)
	if _, err := d.Open(text, Binding{1}); !errors.Is(err, ErrExpired) {
		t.Errorf("got %v, want %v", err, ErrExpired)
	}
	if a, b := d.Ticket(Binding{}, Asked, 0), d.Ticket(Binding{}, Asked, 0); a.ID == b.ID {
		t.Error("two tickets have one id")
	}
	if _, err := New(Options{Secret: []byte("short")}); err == nil {
		t.Error("a short secret was taken")
	}
}

func TestUseOnce(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	store := &state.Memory{}
	first, second := desk(t, store, &now), desk(t, store, &now) // two instances
	ticket := first.Ticket(Binding{1}, Asked, time.Minute)
	var done sync.WaitGroup
	var used atomic.Int32
	for i := range 20 {
		done.Go(func() {
			err := []*Desk{first, second}[i%2].Use(t.Context(), ticket)
			if err == nil {
				used.Add(1)
			} else if !errors.Is(err, ErrUsed) {
				t.Errorf("got %v", err)
			}
		})
	}
	done.Wait()
	if used.Load() != 1 {
		t.Errorf("used %d times, want 1", used.Load())
	}
}

// away is a store that does not answer.
type away struct{ state.Memory }

func (*away) Get(context.Context, state.Key) (state.Record, error) {
	return state.Record{}, state.ErrBusy
}

func (*away) Put(context.Context, state.Key, state.Record) (string, error) {
	return "", state.ErrBusy
}

func TestWithoutStore(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	d := desk(t, &away{}, &now)
	if err := d.Use(t.Context(), d.Ticket(Binding{1}, Asked, time.Minute)); !errors.Is(err, state.ErrBusy) || errors.Is(err, ErrUsed) {
		t.Errorf("got %v, want %v", err, state.ErrBusy)
	}
	if _, found, err := d.Decision(t.Context(), Binding{1}); found || !errors.Is(err, state.ErrBusy) {
		t.Errorf("got %t, %v, want %v", found, err, state.ErrBusy)
	}
}

func TestDecision(t *testing.T) {
	start := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		decide []bool
		wait   time.Duration
		of     Binding
		want   []string // of each look
	}{
		{"none", nil, 0, Binding{1}, []string{"none"}},
		{"approved once", []bool{true}, 0, Binding{1}, []string{"approved", "none"}},
		{"refused once", []bool{false}, 0, Binding{1}, []string{"refused", "none"}},
		{"the latest counts", []bool{true, false}, 0, Binding{1}, []string{"refused", "none"}},
		{"of another call", []bool{true}, 0, Binding{2}, []string{"none"}},
		{"too late", []bool{true}, time.Minute, Binding{1}, []string{"none"}},
	} {
		now := start
		d := desk(t, nil, &now)
		for _, approved := range c.decide {
			ticket := d.Ticket(Binding{1}, "", time.Minute)
			if err := d.decide(t.Context(), Decision{ticket, approved}); err != nil {
				t.Fatal(err)
			}
			if err := d.decide(t.Context(), Decision{ticket, true}); !errors.Is(err, ErrUsed) {
				t.Errorf("%s: deciding again: got %v, want %v", c.name, err, ErrUsed)
			}
		}
		now = now.Add(c.wait)
		var got []string
		for range c.want {
			made, found, err := d.Decision(t.Context(), c.of)
			switch {
			case err != nil:
				t.Errorf("%s: %v", c.name, err)
			case !found:
				got = append(got, "none")
			case made.Approved:
				got = append(got, "approved")
			default:
				got = append(got, "refused")
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// What is in memory goes when its time is over.
func TestMemoryIsSwept(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	d := desk(t, nil, &now)
	for range 100 {
		if err := d.Use(t.Context(), d.Ticket(Binding{1}, Asked, time.Minute)); err != nil {
			t.Fatal(err)
		}
		now = now.Add(10 * time.Minute)
	}
	if n, err := d.memory.Sweep(t.Context(), now.Add(24*time.Hour), 1000); n > 10 || err != nil {
		t.Errorf("got %d rows, %v", n, err)
	}
}

func TestQuestion(t *testing.T) {
	long := strings.Repeat("x", 2000)
	many := "{"
	for i := range 30 {
		many += `"a` + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `":"` + long + `",`
	}
	many = strings.TrimSuffix(many, ",") + "}"
	for _, c := range []struct{ name, message, arguments, want string }{
		{"general", "", `{"id":1}`, "Allow the tool t of s to be called?\n\nServer: s\nTool: t\n- id: 1"},
		{"no arguments", "", "", "Allow the tool t of s to be called?\n\nServer: s\nTool: t\nIt is called without arguments."},
		{"no object", "", "[1]", "Allow the tool t of s to be called?\n\nServer: s\nTool: t\nIt is called without arguments."},
		{"placeholders", "{a}, {b} and {c}?", `{"a":"x y","b":{"n": [1, 2]}}`, "x y, {\"n\":[1,2]} and (none)?\n\nServer: s\nTool: t\n- a: \"x y\"\n- b: {\"n\":[1,2]}"},
		{"not twice", "{a}", `{"a":"{b}","b":"c"}`, "{b}\n\nServer: s\nTool: t\n- a: \"{b}\"\n- b: \"c\""},
		{"digits", "{a}", `{"a":9007199254740993}`, "9007199254740993\n\nServer: s\nTool: t\n- a: 9007199254740993"},
		{"hidden", "Sure{a}", "{\"a\":\"\u202e\\n\\u0000\u200b\U000e0041\u2800\u3164\"}", "Sure\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\n\nServer: s\nTool: t\n- a: \"\ufffd\\n\\u0000\ufffd\ufffd\ufffd\ufffd\""},
		{"a line in a name", "?", `{"a\nb":1}`, "?\n\nServer: s\nTool: t\n- a\ufffdb: 1"},
		{"long", "{a}", `{"a":"` + long + `"}`, strings.Repeat("x", 64) + "… (1936 more characters)\n\nServer: s\nTool: t\n- a: \"" + strings.Repeat("x", 399) + "… (1602 more characters)"},
	} {
		q := NewQuestion("s", "t", c.message, []byte(c.arguments))
		if got := q.Text(); got != c.want {
			t.Errorf("%s: got\n%q, want\n%q", c.name, got, c.want)
		}
	}
	q := NewQuestion("s", "t", "", []byte(many))
	if text := q.Text(); len(q.Arguments) != 20 || q.More != 10 || !strings.HasSuffix(text, "… and 10 more arguments") || len(text) > 4000 {
		t.Errorf("got %d characters:\n%s", len(text), text)
	}
	if got := Placeholders("{a} {b} {a} { c } {} {d"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v", got)
	}
}

func FuzzQuestion(f *testing.F) {
	f.Add("t", "Delete {a}?", `{"a":"\u202e","b":[1]}`)
	f.Add("t\n", "", `{"a":"\ud800"`)
	f.Fuzz(func(t *testing.T, tool, message, arguments string) {
		q := NewQuestion("s", tool, message, []byte(arguments))
		if text := q.Text(); strings.Count(text, "\n") > maxArguments+5 || strings.ContainsAny(text, "\u202e\u200b\x00\r") || len(text) > 16<<10 {
			t.Errorf("got %q", text)
		}
	})
}

func FuzzPage(f *testing.F) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	d := desk(f, nil, &now)
	link, err := d.Link(d.Ticket(Binding{1}, "", time.Minute), NewQuestion("s", "t", "", nil))
	if err != nil {
		f.Fatal(err)
	}
	_, query, _ := strings.Cut(link, "?")
	f.Add(query, "decision=approve")
	f.Add("ticket=a&ticket=b", "decision=refuse")
	f.Fuzz(func(t *testing.T, query, form string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, strings.NewReader(form))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		if o, err := d.Serve(w, r); o.Approved && !o.Decided || o.Decided != (err == nil) || w.Code >= http.StatusInternalServerError {
			t.Errorf("got %+v, %v, %d", o, err, w.Code)
		}
	})
}

// A question in any of its forms fits its page, and nothing in it is HTML.
func TestPage(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	d := desk(t, nil, &now)
	for _, arguments := range []string{"", `{"<i>":"<script>"}`} {
		link, err := d.Link(d.Ticket(Binding{1}, "", time.Minute), NewQuestion("s", "<b>t</b>", "<u>?", []byte(arguments)))
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := httptest.NewRecorder()
			o, err := d.Serve(w, httptest.NewRequestWithContext(t.Context(), method, link, nil))
			body := w.Body.String()
			if err != nil || o.Decided || w.Code != http.StatusOK || strings.Contains(body, "<script") || strings.Contains(body, "<b>") || strings.Contains(body, "<i>") || strings.Contains(body, "<u>") {
				t.Errorf("got %d %+v %v\n%s", w.Code, o, err, body)
			}
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, link, strings.NewReader("decision=refuse"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if o, err := d.Serve(w, r); err != nil || !o.Decided || o.Approved || !strings.Contains(w.Body.String(), "<h1>Refused</h1>") {
			t.Errorf("got %+v, %v, %d\n%s", o, err, w.Code, w.Body)
		}
	}
}
