package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	appServiceVersion = "2019-08-01"
	imdsVersion       = "2018-02-01"

	// maxIdentityAnswer is the greatest length of an answer with a token, in bytes.
	maxIdentityAnswer = 2 * MaxToken
	// maxAfter is the longest Retry-After that is heeded, in seconds.
	maxAfter = 30
)

// unobtained is an attempt to obtain a token that did not succeed.
type unobtained struct {
	status int           // 0 when there was no answer
	after  time.Duration // Retry-After; 0 for none
	cause  error
}

// Error is for the log.
func (e *unobtained) Error() string { return e.cause.Error() }

// Unwrap is the cause.
func (e *unobtained) Unwrap() error { return e.cause }

// pause is how long to wait before the next attempt, of which attempt have been
// repeated already; not ok is to give up. It is what IMDS asks for: three more
// attempts with twice the pause each time, and for an update (410) up to 70
// seconds. Only IMDS says 404 of itself; that of App Service is for good.
func (e *unobtained) pause(attempt int, imds bool) (d time.Duration, ok bool) {
	switch {
	case e.status == http.StatusGone && imds:
		return 10 * time.Second, attempt < 7
	case e.status == http.StatusNotFound && imds:
	case e.status == 0, e.status == http.StatusRequestTimeout, e.status == http.StatusTooManyRequests, e.status >= 500:
	default:
		return 0, false
	}
	return max(time.Second<<min(attempt, 3), e.after), attempt < 3
}

// obtain asks for a token, and again where that may help.
func (m *ManagedIdentity) obtain(ctx context.Context, key identityKey) (text string, expires time.Time, err error) {
	for attempt := 0; ; attempt++ {
		text, expires, err = m.request(ctx, key)
		failed, ok := errors.AsType[*unobtained](err)
		if !ok {
			return text, expires, err
		}
		pause, again := failed.pause(attempt, m.endpoint == IMDS)
		if !again {
			return "", time.Time{}, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", time.Time{}, err
		}
	}
}

// request asks for a token once.
func (m *ManagedIdentity) request(ctx context.Context, key identityKey) (text string, expires time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := m.newRequest(ctx, key)
	if err != nil {
		return "", expires, fmt.Errorf("making the request to the identity endpoint: %w", err)
	}
	res, err := m.client.Do(req)
	if err != nil {
		return "", expires, &unobtained{cause: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxIdentityAnswer+1))
	if err != nil {
		return "", expires, &unobtained{cause: fmt.Errorf("reading the answer of the identity endpoint: %w", err)}
	}
	if res.StatusCode != http.StatusOK {
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil { // a date, or none
			seconds = 0
		}
		cause := fmt.Errorf("the identity endpoint answered status %d%s", res.StatusCode, m.reason(body))
		return "", expires, &unobtained{status: res.StatusCode, after: time.Duration(min(seconds, maxAfter)) * time.Second, cause: cause}
	}
	return readIdentityToken(body, m.now())
}

// newRequest makes the request for a token: one form for App Service and
// Functions, one for IMDS.
func (m *ManagedIdentity) newRequest(ctx context.Context, key identityKey) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.endpoint, http.NoBody)
	if err != nil {
		return nil, err
	}
	query := req.URL.Query()
	query.Set("resource", key.resource)
	if key.clientID != "" {
		query.Set("client_id", key.clientID)
	}
	if m.endpoint == IMDS {
		query.Set("api-version", imdsVersion)
		req.Header.Set("Metadata", "true")
	} else {
		query.Set("api-version", appServiceVersion)
		req.Header.Set("X-IDENTITY-HEADER", m.header)
	}
	req.URL.RawQuery = query.Encode()
	return req, nil
}

// reason is what an answer says of an error, for the log: at most 300 bytes of the
// members that are for that, without the secret. It is empty when there are none.
func (m *ManagedIdentity) reason(body []byte) string {
	var answer struct {
		Message     string `json:"message"`           // of App Service
		Error       string `json:"error"`             // of IMDS
		Description string `json:"error_description"` // of IMDS
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	text := strings.TrimSpace(strings.Join([]string{answer.Message, answer.Error, answer.Description}, " "))
	if m.header != "" {
		text = strings.ReplaceAll(text, m.header, "…")
	}
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	if text == "" {
		return ""
	}
	return ": " + text
}

// readIdentityToken reads an answer with a token. Its errors do not quote it.
func readIdentityToken(body []byte, now time.Time) (text string, expires time.Time, err error) {
	var answer struct {
		AccessToken string         `json:"access_token"`
		ExpiresOn   jsontext.Value `json:"expires_on"` // seconds since 1970, as a text or a number
	}
	if len(body) > maxIdentityAnswer {
		return "", expires, fmt.Errorf("the answer of the identity endpoint is longer than %d bytes", maxIdentityAnswer)
	}
	if json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" {
		return "", expires, errors.New("the answer of the identity endpoint is not JSON with an access_token")
	}
	if strings.ContainsFunc(answer.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", expires, errors.New("the access_token of the identity endpoint cannot be sent in a header")
	}
	seconds, err := strconv.ParseInt(strings.Trim(string(answer.ExpiresOn), `"`), 10, 64)
	if err != nil {
		return "", expires, errors.New("the answer of the identity endpoint has no expires_on in seconds since 1970")
	}
	expires = time.Unix(seconds, 0)
	if !expires.After(now) {
		return "", expires, errors.New("the token of the identity endpoint has expired already: is the clock of this host right?")
	}
	return answer.AccessToken, expires, nil
}
