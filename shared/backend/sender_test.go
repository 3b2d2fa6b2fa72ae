package backend

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func address(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// read reads and closes the body of a response.
func read(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	body, _, err := ReadBody(res, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// echo answers with the method, the host, the body and the header names that
// are not net/http's own.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var names []string
	for name, values := range r.Header {
		if name != "Content-Length" && name != "Accept-Encoding" {
			names = append(names, name+"="+strings.Join(values, "+"))
		}
	}
	slices.Sort(names)
	_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.Host, string(body), strings.Join(names, " ")}, "|"))
}

func TestSend(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(echo))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	for _, c := range []struct {
		name string
		r    Request
		want string
	}{
		{"least", Request{}, "GET|" + host + "||User-Agent=toolgate"},
		{"body", Request{Method: "PUT", Body: []byte("hello"), Header: http.Header{"Content-Type": {"text/plain"}, "user-agent": {"mine"}}},
			"PUT|" + host + "|hello|Content-Type=text/plain User-Agent=mine"},
		{"empty body", Request{Method: "POST", Body: []byte{}}, "POST|" + host + "||User-Agent=toolgate"},
		{"host", Request{Header: http.Header{"Host": {"contoso.com"}, "X-A": {"1", "2"}}}, "GET|contoso.com||User-Agent=toolgate X-A=1+2"},
		{"hop by hop", Request{Header: http.Header{
			"connection": {"X-Key, close"}, "Keep-Alive": {"1"}, "TE": {"trailers"}, "Trailer": {"X-T"}, "Transfer-Encoding": {"chunked"},
			"Upgrade": {"h2c"}, "Proxy-Authorization": {"Basic x"}, "Proxy-Connection": {"close"}, "X-Key": {"k"},
		}}, "GET|" + host + "||User-Agent=toolgate X-Key=k"},
	} {
		c.r.URL = address(t, s.URL)
		res, err := NewSender(SenderOptions{}).Send(t.Context(), c.r)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := read(t, res); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSendEncoding(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("hello"))
	z.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zipped.Bytes())
	}))
	defer s.Close()
	for _, c := range []struct {
		header http.Header
		want   string
	}{
		{nil, "hello"},
		{http.Header{"Accept-Encoding": {"gzip"}}, zipped.String()},
	} {
		res, err := NewSender(SenderOptions{}).Send(t.Context(), Request{URL: address(t, s.URL), Header: c.header})
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, res); got != c.want {
			t.Errorf("%v: got %q, want %q", c.header, got, c.want)
		}
	}
}

func TestSendErrors(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			_, _ = io.WriteString(w, "a part")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}))
	defer s.Close()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		r    Request
		want Reason
	}{
		{"no URL", t.Context(), Request{}, Refused},
		{"relative", t.Context(), Request{URL: address(t, "/x?hunter2")}, Refused},
		{"scheme", t.Context(), Request{URL: address(t, "file:///etc/passwd?hunter2")}, Refused},
		{"proxy", t.Context(), Request{URL: address(t, s.URL), Proxy: address(t, "ftp://hunter2@contoso.com")}, Refused},
		{"header", t.Context(), Request{URL: address(t, s.URL), Header: http.Header{"X-A": {"hunter2\n"}}}, Refused},
		{"method", t.Context(), Request{URL: address(t, s.URL), Method: "GET IT"}, Refused},
		{"nobody listens", t.Context(), Request{URL: address(t, "http://127.0.0.1:1/?hunter2")}, Unreachable},
		{"time-out", t.Context(), Request{URL: address(t, s.URL), Timeout: 10 * time.Millisecond}, Timeout},
		{"client gone", gone, Request{URL: address(t, s.URL), Timeout: time.Minute}, Cancelled},
	} {
		_, err := NewSender(SenderOptions{}).Send(c.ctx, c.r)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Reason != c.want || strings.Contains(e.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	res, err := NewSender(SenderOptions{}).Send(t.Context(), Request{URL: address(t, s.URL+"/drip"), Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _, err := ReadBody(res, 100)
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Timeout || string(body) != "a part" {
		t.Errorf("got %q, %v, want a part and a time-out", body, err)
	}
}

func TestSenderTransport(t *testing.T) {
	s := NewSender(SenderOptions{Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
		return respond(req, http.StatusTeapot, nil), nil
	})})
	// What is no *http.Transport carries a request whatever its proxy is.
	res, err := s.Send(t.Context(), Request{URL: address(t, "https://contoso.com"), Proxy: address(t, "http://proxy.contoso.com")})
	if err != nil || res.StatusCode != http.StatusTeapot {
		t.Fatalf("got %v, %v", res, err)
	}
	res.Body.Close()
}
