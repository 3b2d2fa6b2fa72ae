package telemetry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// The events of one partition go in one batch, in their order.
func TestEventHub(t *testing.T) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")+" "+string(body))
		w.WriteHeader(http.StatusCreated)
	}))
	defer s.Close()
	r := New(Options{Interval: -1, EventHubs: []EventHub{{
		ID: "audit", URL: s.URL + "/hub", Authorize: func(context.Context) (string, error) { return "Bearer a", nil },
	}}})
	for _, e := range []Event{{Body: `a "b"`}, {Body: "c"}, {Body: "d", PartitionKey: "k"}, {Body: "e", PartitionID: "3"}} {
		if !r.Send("audit", e) {
			t.Errorf("%+v was not taken", e)
		}
	}
	if r.Send("other", Event{}) {
		t.Error("an event for no hub was taken")
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	const kind = " Bearer a application/vnd.microsoft.servicebus.json "
	want := []string{
		"/hub/messages?api-version=2014-01" + kind + `[{"Body":"a \"b\""},{"Body":"c"}]`,
		"/hub/messages?api-version=2014-01" + kind + `[{"Body":"d","BrokerProperties":{"PartitionKey":"k"}}]`,
		"/hub/partitions/3/messages?api-version=2014-01" + kind + `[{"Body":"e"}]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSharedAccessSignature(t *testing.T) {
	got := SharedAccessSignature("https://contoso.servicebus.windows.net/audit", "send", "a+b/c=", time.Unix(1_700_003_600, 0))
	// The signature is by openssl dgst -sha256 -hmac 'a+b/c=' of the resource, a line feed and the time.
	const want = "SharedAccessSignature sr=https%3A%2F%2Fcontoso.servicebus.windows.net%2Faudit&sig=iBiy2wZ%2BMKf0tT6wzMLD1zoy5W7tEZDiO7jonMuktVI%3D&se=1700003600&skn=send"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
