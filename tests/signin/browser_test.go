package signin_test

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browser is a user with a browser: it signs in wherever it is asked to, and allows
// whatever is asked.
type browser struct {
	user   string
	client http.Client
	pages  []string // the titles of those it was shown
}

func newBrowser(t *testing.T, user string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{user: user, client: http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// visit opens a URL and goes on until it is sent to one that begins with end.
func (b *browser) visit(place, end string) (string, error) {
	b.pages = nil
	form := url.Values(nil)
	for range 30 {
		if strings.HasPrefix(place, end) {
			return place, nil
		}
		res, body, err := b.open(place, form)
		if err != nil {
			return "", err
		}
		form = nil
		next := res.Header.Get("Location")
		if next == "" {
			if next, form, err = b.act(body); err != nil {
				return "", fmt.Errorf("%s, status %d: %w", place, res.StatusCode, err)
			}
		}
		target, err := res.Request.URL.Parse(next)
		if err != nil {
			return "", err
		}
		place = target.String()
	}
	return "", errors.New("the browser was sent from one place to the next")
}

func (b *browser) open(place string, form url.Values) (*http.Response, string, error) {
	var res *http.Response
	var err error
	if form == nil {
		res, err = b.client.Get(place)
	} else {
		res, err = b.client.PostForm(place, form)
	}
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

var (
	title  = regexp.MustCompile(`<title>([^<]*)</title>`)
	action = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	input  = regexp.MustCompile(`<input[^>]*>`)
	name   = regexp.MustCompile(` name="([^"]*)"`)
	value  = regexp.MustCompile(` value="([^"]*)"`)
	onward = regexp.MustCompile(`http-equiv="refresh" content="0;url=([^"]*)"`)
)

func first(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

// act fills in the form of a page, or goes where the page leads.
func (b *browser) act(page string) (next string, form url.Values, err error) {
	b.pages = append(b.pages, first(title, page))
	if next = first(onward, page); next != "" {
		return next, nil, nil
	}
	if next = first(action, page); next == "" {
		return "", nil, fmt.Errorf("the page leads nowhere: %s", page)
	}
	form = url.Values{"answer": {"allow"}}
	for _, field := range input.FindAllString(page, -1) {
		form.Set(first(name, field), first(value, field))
	}
	for _, field := range []string{"login", "password"} {
		if form.Has(field) {
			form.Set(field, b.user)
		}
	}
	return next, form, nil
}

// serve lets a program have the browser visit ?url=, and answers with where it ended.
func (b *browser) serve(t *testing.T, end string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		place, err := b.visit(r.URL.Query().Get("url"), end)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			t.Error(err)
			return
		}
		_, _ = io.WriteString(w, place)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
