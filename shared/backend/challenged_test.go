package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestChallenged: a refused request is sent again, with its body, as long as somebody
// says so; other answers concern nobody.
func TestChallenged(t *testing.T) {
	refusal := errors.New("nobody consented")
	for _, c := range []struct {
		name   string
		status int // of the answers before the last
		good   int // the attempt that is answered with 200; 0: none
		replay bool
		err    error
		want   string
		asked  int
	}{
		{"again", 401, 2, true, nil, "200 token-2 hello", 1},
		{"more access", 403, 3, true, nil, "200 token-3 hello", 2},
		{"no end", 401, 0, true, nil, "401 token-4 hello", maxChallenges},
		{"a body that was read", 401, 2, false, nil, "401 token-1 hello", 1},
		{"refused", 401, 2, true, refusal, "unauthorized", 1},
		{"another status", 500, 2, true, nil, "500 token-1 hello", 0},
	} {
		attempts, asked := 0, 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if attempts++; attempts != c.good {
				w.WriteHeader(c.status)
			}
			body, _ := io.ReadAll(r.Body)
			fmt.Fprint(w, r.Header.Get("Authorization"), " ", string(body))
		}))
		k := client(t, Options{
			URL: s.URL,
			Authorize: func(_ context.Context, req *http.Request) error {
				req.Header.Set("Authorization", fmt.Sprint("token-", attempts+1))
				return nil
			},
			Challenged: func(_ context.Context, req *http.Request, res *http.Response) (bool, error) {
				asked++
				if got := req.Header.Get("Authorization"); got != fmt.Sprint("token-", attempts) || res.StatusCode != c.status {
					t.Errorf("%s: told of %s, %d", c.name, got, res.StatusCode)
				}
				return true, c.err
			},
		})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if !c.replay {
			req.GetBody = nil
		}
		res, err := k.Do(req)
		got := ""
		switch e, ok := errors.AsType[*Error](err); {
		case ok && errors.Is(err, refusal):
			got = string(e.Reason)
		case err != nil:
			got = err.Error()
		default:
			got = fmt.Sprint(res.StatusCode, " ", read(t, res))
		}
		if got != c.want || asked != c.asked {
			t.Errorf("%s: got %q after %d questions, want %q after %d", c.name, got, asked, c.want, c.asked)
		}
		s.Close()
	}
}
