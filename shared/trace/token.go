package trace

import (
	"errors"
	"fmt"
	"time"

	"toolgate/shared/seal"

	"github.com/go-json-experiment/json"
)

// MaxTokenAge is the longest that a debug token is good for, as in API Management.
const MaxTokenAge = time.Hour

// What is wrong with a debug token. Compare with errors.Is.
var (
	ErrToken        = errors.New("the debug token is not one of this gateway")
	ErrTokenExpired = errors.New("the debug token has expired")
	ErrTokenServer  = errors.New("the debug token is for another server or API")
)

// Token is what a debug token says: whose requests may be traced, and until when.
type Token struct {
	Server  string    `json:"server"` // or the API
	Expires time.Time `json:"expires"`
	// Bodies is how many bytes of bodies traces show; 0: sizes alone.
	Bodies int `json:"bodies,omitzero"`
}

// MaxBodies is the most that a token may ask for, in bytes of each body.
const MaxBodies = 8192

// Sealer seals debug tokens, and the traces that are kept. All instances share the
// secret, and who issues tokens has it too.
type Sealer struct{ tokens, traces *seal.Sealer }

// NewSealer makes a sealer of the gateway's sealing key.
func NewSealer(secret []byte) (*Sealer, error) {
	tokens, err := seal.New(secret, "debug token")
	if err != nil {
		return nil, err
	}
	traces, err := seal.New(secret, "trace")
	return &Sealer{tokens, traces}, err
}

// Issue makes a debug token.
func (s *Sealer) Issue(t Token, now time.Time) (string, error) {
	switch {
	case t.Server == "":
		return "", &Error{Doing: "issuing a debug token", Err: errors.New("it needs the name of a server or of an API")}
	case t.Expires.Sub(now) > MaxTokenAge || !t.Expires.After(now):
		return "", &Error{Doing: "issuing a debug token", Err: fmt.Errorf("it is good for more than nothing and at most %v", MaxTokenAge)}
	case t.Bodies < 0 || t.Bodies > MaxBodies:
		return "", &Error{Doing: "issuing a debug token", Err: fmt.Errorf("it shows from 0 to %d bytes of each body", MaxBodies)}
	}
	text, err := json.Marshal(t)
	if err != nil {
		return "", &Error{Doing: "issuing a debug token", Err: err}
	}
	return s.tokens.Seal(text, nil), nil
}

// Open reads a debug token that was sent to a server. The error is one of those
// above; with ErrTokenExpired and ErrTokenServer the token is returned too.
func (s *Sealer) Open(text, server string, now time.Time) (Token, error) {
	var t Token
	content, err := s.tokens.Open(text, nil)
	if err != nil || json.Unmarshal(content, &t) != nil {
		return Token{}, ErrToken
	}
	switch {
	case t.Server != server:
		return t, ErrTokenServer
	case !now.Before(t.Expires):
		return t, ErrTokenExpired
	}
	return t, nil
}
