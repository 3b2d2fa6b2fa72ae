package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// maxAnswer bounds the answer of a vault, in bytes: 20 secrets of 64 KiB, and as
	// much again for escapes.
	maxAnswer = 4 << 20
	// maxDetail bounds what an error takes from an answer, in bytes.
	maxDetail = 300
	// abreast is how many requests a vault is sent at a time.
	abreast = 8
)

// Error says why a vault gave no secret. It has nothing of a secret.
type Error struct {
	Vault  string // as its cloud calls it
	Status int    // of the answer; 0 for none
	Code   string // of the answer, such as Forbidden; empty for none
	// Temporary says that asking again soon may help.
	Temporary bool
	Err       error
}

// Error is for the log.
func (e *Error) Error() string { return e.Vault + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// newClient makes a client for vaults; a nil transport is one of our own.
func newClient(rt http.RoundTripper) *http.Client {
	if rt == nil {
		rt = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: abreast,
			IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &http.Client{
		Transport: rt,
		// What is sent is for the vault alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send sends a request, and reads what comes back. The error is the cause of an
// [Error].
func send(c *http.Client, req *http.Request) (status int, body []byte, err error) {
	res, err := c.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL, which is said already
		}
		return 0, nil, fmt.Errorf("it does not answer: %w", err)
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("reading its answer: %w", err)
	case len(body) > maxAnswer:
		return res.StatusCode, nil, fmt.Errorf("its answer is longer than %d bytes", maxAnswer)
	}
	return res.StatusCode, body, nil
}

// temporary tells of a status whether asking again soon may help.
func temporary(status int) bool {
	return status == 0 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

// refused is the error of an answer that is none of success.
func refused(vault string, status int, code, message, advice string) *Error {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimSpace(strings.Trim(code+": "+message, ": ")))
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	err := fmt.Errorf("it answered status %d", status)
	if text != "" {
		err = fmt.Errorf("it answered status %d, %s", status, text)
	}
	if advice != "" {
		err = fmt.Errorf("%w (%s)", err, advice)
	}
	return &Error{Vault: vault, Status: status, Code: code, Temporary: temporary(status), Err: err}
}

// each reads secrets one by one, some at a time.
func each(ctx context.Context, names []string, read func(ctx context.Context, name string) (string, error)) []Outcome {
	outcomes := make([]Outcome, len(names))
	turns := make(chan struct{}, abreast)
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			outcomes[i].Text, outcomes[i].Err = read(ctx, name)
		})
	}
	all.Wait()
	return outcomes
}
