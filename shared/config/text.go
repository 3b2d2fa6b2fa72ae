package config

import (
	"errors"
	"fmt"
	"strings"
)

// errEmptySecret is the cause when a secret exists and holds nothing.
var errEmptySecret = errors.New("the secret is empty")

// String is the text for people: a reference to a secret stands as
// {{secret env:NAME}}, never as its value.
func (t Text) String() string {
	var b strings.Builder
	for _, part := range t.Parts {
		if part.Secret == "" {
			b.WriteString(part.Literal)
			continue
		}
		b.WriteString("{{secret ")
		b.WriteString(part.Secret)
		b.WriteString("}}")
	}
	return b.String()
}

// Resolve returns the text with its references replaced by what lookup gives
// for them. A secret that is empty is an error, since it protects nothing.
func (t Text) Resolve(lookup func(ref string) (string, error)) (string, error) {
	var b strings.Builder
	for _, part := range t.Parts {
		if part.Secret == "" {
			b.WriteString(part.Literal)
			continue
		}
		secret, err := lookup(part.Secret)
		if err == nil && secret == "" {
			err = errEmptySecret
		}
		if err != nil {
			return "", fmt.Errorf("resolving the secret %q: %w", part.Secret, err)
		}
		b.WriteString(secret)
	}
	return b.String(), nil
}
