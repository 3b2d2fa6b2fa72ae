package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

func TestTextString(t *testing.T) {
	tests := []struct {
		text Text
		want string
	}{
		{Text{}, ""},
		{Text{Parts: []Part{{Literal: "a b"}}}, "a b"},
		{Text{Parts: []Part{{Literal: "Key "}, {Secret: "env:KEY"}, {Literal: "!"}}}, "Key {{secret env:KEY}}!"},
	}
	for _, tt := range tests {
		if got := tt.text.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
		if got := fmt.Sprint(tt.text); got != tt.want {
			t.Errorf("printed: got %q, want %q", got, tt.want)
		}
	}
}

func TestTextResolve(t *testing.T) {
	errUnset := errors.New("not set")
	lookup := func(ref string) (string, error) {
		switch ref {
		case "env:KEY":
			return "k1", nil
		case "env:EMPTY":
			return "", nil
		}
		return "", errUnset
	}
	tests := []struct {
		parts   []Part
		want    string
		wantErr error
	}{
		{nil, "", nil},
		{[]Part{{Literal: "plain"}}, "plain", nil},
		{[]Part{{Literal: "a-"}, {Secret: "env:KEY"}, {Secret: "env:KEY"}, {Literal: "-b"}}, "a-k1k1-b", nil},
		{[]Part{{Secret: "env:NOWHERE"}}, "", errUnset},
		{[]Part{{Literal: "a"}, {Secret: "env:EMPTY"}}, "", errEmptySecret},
	}
	for _, tt := range tests {
		got, err := Text{Parts: tt.parts}.Resolve(lookup)
		if got != tt.want || !errors.Is(err, tt.wantErr) {
			t.Errorf("%v: got %q, %v, want %q, %v", tt.parts, got, err, tt.want, tt.wantErr)
		}
		if err != nil && strings.Contains(err.Error(), "k1") {
			t.Errorf("%v shows a secret: %v", tt.parts, err)
		}
	}
}

// TestJSON stores what a snapshot holds as JSON and reads it back.
func TestJSON(t *testing.T) {
	c, faults := parseText(t, example)
	if faults != nil {
		t.Fatal(faults)
	}
	roundTrip(t, c.Limits)
	roundTrip(t, Limits{Timeout: 1500 * time.Millisecond})
	roundTrip(t, c.SealingKey)
	roundTrip(t, Text{})
	for _, b := range c.Backends {
		roundTrip(t, b)
		roundTrip(t, b.Credentials)
	}
	for _, s := range c.Servers {
		if s.Upstream != nil {
			roundTrip(t, *s.Upstream)
		}
		if s.API != nil && s.API.Tools != nil {
			roundTrip(t, s.API.Tools)
		}
	}
}

func roundTrip[T any](t *testing.T, want T) {
	t.Helper()
	data, err := json.Marshal(want)
	if err != nil {
		t.Errorf("writing %T: %v", want, err)
		return
	}
	var got T
	if err := json.Unmarshal(data, &got, json.RejectUnknownMembers(true)); err != nil {
		t.Errorf("reading %s: %v", data, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v from %s, want %+v", got, data, want)
	}
}

func TestJSONForm(t *testing.T) {
	tests := []struct {
		value any
		want  string
	}{
		{
			Limits{RequestBytes: 1024, Depth: 8, ResultBytes: 2048, Timeout: 90 * time.Second, ListPage: 5, ListTTL: time.Minute},
			`{"requestBytes":1024,"depth":8,"resultBytes":2048,"listPage":5,"timeout":"1m30s","listTtl":"1m0s"}`,
		},
		{Text{Parts: []Part{{Literal: "a"}, {Secret: "env:A"}}}, `{"parts":[{"literal":"a"},{"secret":"env:A"}]}`},
		{Backend{Name: "a"}, `{"name":"a"}`},
		{Credentials{}, `{}`},
	}
	for _, tt := range tests {
		if got, err := json.Marshal(tt.value); string(got) != tt.want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, tt.want)
		}
	}
	for _, bad := range []string{`{"timeout":30}`, `{"timeout":"soon"}`, `{"depth":"x"}`, `[]`} {
		var l Limits
		if err := json.Unmarshal([]byte(bad), &l); err == nil {
			t.Errorf("%s: got %+v and no error", bad, l)
		}
	}
}
