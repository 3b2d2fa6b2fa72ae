package backend

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// watching notes the requests that it is told of.
type watching struct {
	sent  []string
	ended []string
}

func (w *watching) Sends(req *http.Request) Observation {
	w.sent = append(w.sent, req.Method+" "+req.URL.Path+" "+req.Header.Get("Authorization"))
	req.Header.Set("X-Seen", "yes")
	return w
}

func (w *watching) Ends(res *http.Response, err error) {
	if err != nil {
		w.ended = append(w.ended, "error")
		return
	}
	w.ended = append(w.ended, res.Status)
}

// Each request is told of by itself, as it is sent, redirects and all.
func TestObserver(t *testing.T) {
	var seen []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("X-Seen"))
		if r.URL.Path == "/a" {
			http.Redirect(w, r, "/b", http.StatusFound)
		}
	}))
	defer s.Close()
	c, err := New(Options{URL: s.URL, Header: []Credential{{"Authorization", "key"}}})
	if err != nil {
		t.Fatal(err)
	}
	w := &watching{}
	ctx := WithObserver(t.Context(), w)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Send(req, SendOptions{FollowRedirects: true})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	sender := NewSender(SenderOptions{})
	if res, err = sender.Send(ctx, Request{URL: address(t, s.URL+"/c")}); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if _, err = sender.Send(ctx, Request{URL: address(t, "http://127.0.0.1:1/d")}); err == nil {
		t.Error("got no error")
	} else if _, ok := errors.AsType[*Error](err); !ok {
		t.Errorf("got %v", err)
	}
	if want := []string{"GET /a key", "GET /b key", " /c ", " /d "}; !slices.Equal(w.sent, want) {
		t.Errorf("sent: got %q, want %q", w.sent, want)
	}
	if want := []string{"302 Found", "200 OK", "200 OK", "error"}; !slices.Equal(w.ended, want) {
		t.Errorf("ended: got %q, want %q", w.ended, want)
	}
	if want := []string{"/a yes", "/b yes", "/c yes"}; !slices.Equal(seen, want) {
		t.Errorf("seen: got %q, want %q", seen, want)
	}
}
