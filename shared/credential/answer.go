package credential

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// MaxAnswer bounds what an authorization server answers, a token or metadata, in
// bytes.
const MaxAnswer = 256 << 10

// Answer is what an authorization server answered.
type Answer struct {
	Status int // 0: there was no answer
	// MediaType is that of the body, without parameters; empty where it is not said.
	MediaType string
	Body      []byte
}

// Ask sends a request to an authorization server, and reads what comes back. The
// status is there with an error as well, once there is one.
func Ask(client *http.Client, req *http.Request) (Answer, error) {
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL, which is said already
		}
		return Answer{}, err
	}
	defer res.Body.Close()
	answer := Answer{Status: res.StatusCode}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	if err != nil {
		return answer, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > MaxAnswer {
		return answer, fmt.Errorf("the answer is longer than %d bytes", MaxAnswer)
	}
	answer.Body = body
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil {
		answer.MediaType = kind
	}
	return answer, nil
}
