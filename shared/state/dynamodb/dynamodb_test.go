package dynamodb_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/dynamodb"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-json-experiment/json"
)

var key = state.Key{Space: "rate", ID: "0a-0"}

// config is that of a host with a role.
var config = aws.Config{Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "any"}, nil
})}

// table serves DynamoDB's protocol.
func table(t *testing.T, h http.HandlerFunc) state.Store {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s, err := state.Open(t.Context(), "dynamodb://eu-west-1/counters?endpoint="+url.QueryEscape(server.URL),
		dynamodb.Opener(dynamodb.Options{Config: config, Timeout: time.Minute}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// request is what an operation sends.
type request struct {
	ConsistentRead            bool
	ConditionExpression       string
	Item, Key                 map[string]map[string]string
	ExpressionAttributeValues map[string]map[string]string
}

// TestRequests holds what goes over the wire.
func TestRequests(t *testing.T) {
	var target string
	var got request
	s := table(t, func(w http.ResponseWriter, r *http.Request) {
		_, target, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		got = request{}
		if err := json.UnmarshalRead(r.Body, &got); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if target == "GetItem" {
			_, _ = io.WriteString(w, `{"Item":{"pk":{"S":"rate-0a-0"},"v":{"S":"V1"},"d":{"B":"AP8="},"e":{"N":"1900000000123"},"x":{"N":"1900000001"}}}`)
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	at := time.UnixMilli(1900000000123)
	r, err := s.Get(t.Context(), key)
	if err != nil || string(r.Data) != "\x00\xff" || r.Version != "V1" || !r.Expires.Equal(at) {
		t.Errorf("reading: got %+v and error %v", r, err)
	}
	if target != "GetItem" || !got.ConsistentRead || got.Key["pk"]["S"] != "rate-0a-0" {
		t.Errorf("reading: got %s %+v", target, got)
	}
	for condition, want := range map[string]string{
		state.MustNotExist: "attribute_not_exists(pk)", state.AnyVersion: "", "V1": "v = :v",
	} {
		version, err := s.Put(t.Context(), key, state.Record{Data: r.Data, Version: condition, Expires: at})
		if err != nil || version == "V1" || got.Item["v"]["S"] != version {
			t.Errorf("writing on %q: got version %q and error %v", condition, version, err)
		}
		if target != "PutItem" || got.ConditionExpression != want || (got.ExpressionAttributeValues[":v"]["S"] == "V1") != (condition == "V1") ||
			got.Item["pk"]["S"] != "rate-0a-0" || got.Item["d"]["B"] != "AP8=" || got.Item["e"]["N"] != "1900000000123" || got.Item["x"]["N"] != "1900000001" {
			t.Errorf("writing on %q: got %s %+v", condition, target, got)
		}
	}
	if _, err := s.Put(t.Context(), key, state.Record{}); err != nil || len(got.Item) != 2 {
		t.Errorf("writing nothing: got %+v and error %v, want the key and the version", got.Item, err)
	}
	for condition, want := range map[string]string{state.AnyVersion: "", "V1": "attribute_not_exists(pk) OR v = :v"} {
		if err := s.Delete(t.Context(), key, condition); err != nil {
			t.Errorf("deleting on %q: %v", condition, err)
		}
		if target != "DeleteItem" || got.ConditionExpression != want || got.Key["pk"]["S"] != "rate-0a-0" {
			t.Errorf("deleting on %q: got %s %+v", condition, target, got)
		}
	}
}

// TestAnswers: what the service says, and what that is in terms of a store.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   error  // nil: none of package state
		says   string // what the error has besides
	}{
		{400, "ConditionalCheckFailedException", state.ErrConflict, ""},
		{400, "ProvisionedThroughputExceededException", state.ErrBusy, "ProvisionedThroughputExceeded"},
		{400, "ThrottlingException", state.ErrBusy, ""},
		{400, "RequestLimitExceeded", state.ErrBusy, ""},
		{500, "InternalServerError", state.ErrBusy, ""},
		{503, "ServiceUnavailable", state.ErrBusy, ""},
		{503, "", state.ErrBusy, ""},
		{429, "", state.ErrBusy, ""},
		{400, "ResourceNotFoundException", nil, "make the table counters"},
		{400, "AccessDeniedException", nil, "give the role"},
		{400, "ValidationException", nil, "ValidationException"},
		{413, "", nil, "413"},
	} {
		requests := 0
		s := table(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(c.status)
			if c.code != "" {
				_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#`+c.code+`","message":"because"}`)
			}
		})
		_, err := s.Put(t.Context(), key, state.Record{})
		for _, kind := range []error{state.ErrConflict, state.ErrBusy, state.ErrNotFound} {
			if err == nil || errors.Is(err, kind) != errors.Is(c.want, kind) {
				t.Errorf("%d %s: got %v, want %v", c.status, c.code, err, c.want)
			}
		}
		if err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d %s: got %v, want an error with %q", c.status, c.code, err, c.says)
		}
		if requests != 1 {
			t.Errorf("%d %s: %d requests were made, want 1", c.status, c.code, requests)
		}
	}
}

// TestForeignItem: what somebody else put there is an error and no row.
func TestForeignItem(t *testing.T) {
	for _, item := range []string{`{}`, `{"v":{"N":"1"}}`, `{"v":{"S":"V1"},"e":{"N":"1.5"}}`} {
		s := table(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			_, _ = io.WriteString(w, `{"Item":`+item+`}`)
		})
		if r, err := s.Get(t.Context(), key); err == nil || !strings.Contains(err.Error(), "none of this store") {
			t.Errorf("%s: got %+v and error %v, want an error that says whose it is not", item, r, err)
		}
	}
}

// TestNoAnswer: an answer that cannot be read is none.
func TestNoAnswer(t *testing.T) {
	s := table(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	if r, err := s.Get(t.Context(), key); !errors.Is(err, state.ErrBusy) {
		t.Errorf("got %+v and error %v, want %v", r, err, state.ErrBusy)
	}
}
