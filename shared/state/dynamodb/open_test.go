package dynamodb_test

import (
	"errors"
	"strings"
	"testing"

	"toolgate/shared/state"
	"toolgate/shared/state/dynamodb"
)

func TestOpener(t *testing.T) {
	inRegion := config.Copy()
	inRegion.Region = "eu-west-1"
	for _, rawURL := range []string{
		"dynamodb://eu-west-1/counters",
		"dynamodb://us-gov-west-1/my_counters-2.0",
		"dynamodb:///counters",
		"dynamodb://eu-west-1/counters?endpoint=http://127.0.0.1:8000",
		"dynamodb://eu-west-1/counters?endpoint=https%3A%2F%2Fdynamodb.contoso.com",
	} {
		s, err := state.Open(t.Context(), rawURL, dynamodb.Opener(dynamodb.Options{Config: inRegion}))
		if err != nil {
			t.Errorf("%s: %v", rawURL, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: closing: %v", rawURL, err)
		}
	}
}

func TestOpenerFaults(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"dynamodb:counters", "the name of a table"},
		{"dynamodb://eu-west-1", "the name of a table"},
		{"dynamodb://eu-west-1/", "the name of a table"},
		{"dynamodb://eu-west-1/a/b", "the name of a table"},
		{"dynamodb://eu-west-1/my%20counters", "the name of a table"},
		{"dynamodb://ireland/counters", "not a region"},
		{"dynamodb://127.0.0.1:8000/counters", "not a region"},
		{"dynamodb:///counters", "says a region"},
		{"dynamodb://eu-west-1/counters?endpoint=", "endpoint="},
		{"dynamodb://eu-west-1/counters?endpoint=127.0.0.1:8000", "endpoint="},
		{"dynamodb://eu-west-1/counters?endpoint=ftp://127.0.0.1", "endpoint="},
		{"dynamodb://eu-west-1/counters?region=eu-west-2", "endpoint="},
		{"dynamodb://eu-west-1/counters?endpoint=http://a&endpoint=http://b", "endpoint="},
		{"dynamodb://eu-west-1/counters?endpoint=http://a;b", "endpoint="},
	} {
		s, err := state.Open(t.Context(), c.url, dynamodb.Opener(dynamodb.Options{Config: config}))
		if s != nil || !errors.Is(err, state.ErrURL) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v and error %v, want an error with %q", c.url, s, err, c.want)
		}
	}
}

func TestOpenWithoutCredentials(t *testing.T) {
	s, err := state.Open(t.Context(), "dynamodb://eu-west-1/counters", dynamodb.Opener(dynamodb.Options{}))
	if s != nil || err == nil || !strings.Contains(err.Error(), "a role") {
		t.Errorf("got %v and error %v, want an error that says what to give", s, err)
	}
}
