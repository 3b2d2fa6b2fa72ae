package gatewaytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toolgate/shared/trace"

	"golang.org/x/tools/txtar"
)

// replayFile is a gateway whose rate limit and rules decide.
const replayFile = `name: contoso
publicUrl: https://tools.contoso.com
backends: { pets: { url: "https://pets.test" } }
apis: { pets: { openapi: pets.yaml, backend: pets, policy: pets.xml } }
servers:
  pets: { api: pets, tools: [ getPet ], policy: limit.xml }
  notes:
    upstream: { url: "https://notes.test/mcp" }
    authorization: { issuer: "https://login.contoso.com" }
    tools: [ find, { tool: close, allow: { roles: [ ROLE ] } } ]
  shop: { upstream: { url: "https://shop.test/mcp" }, subscriptionRequired: true }
products: { gold: { servers: [ shop ] } }
`

const petsFile = `openapi: 3.1.0
info: { title: Pets, version: "1" }
paths:
  /pets/{id}:
    get:
      operationId: getPet
      parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]
      responses: { "200": { description: ok } }
`

const limitFile = `<policies>
  <inbound><rate-limit-by-key calls="CALLS" renewal-period="60" counter-key="@(context.Request.IpAddress)" /></inbound>
  <backend><forward-request /></backend>
</policies>`

const petsPolicy = `<policies>
  <inbound><set-header name="X-Pet" exists-action="override"><value>HEADER</value></set-header></inbound>
  <backend><forward-request /></backend>
</policies>`

// replayArchive is the gateway with the things that a change may concern.
func replayArchive(calls, header, role string) string {
	text := "-- gateway.yaml --\n" + replayFile + "-- pets.yaml --\n" + petsFile + "-- limit.xml --\n" + limitFile + "\n-- pets.xml --\n" + petsPolicy + "\n"
	return strings.NewReplacer("CALLS", calls, "HEADER", header, "ROLE", role).Replace(text)
}

func replayFolder(t *testing.T, calls, header, role string) *Folder {
	t.Helper()
	f := newFolder(t)
	for _, file := range txtar.Parse([]byte(replayArchive(calls, header, role))).Files {
		if err := os.WriteFile(filepath.Join(f.Dir, file.Name), file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

const replayCalls = `-- call pets getPet --
{"id":1}
-- call pets getPet --
{"id":2}
-- list notes --
-- call notes close --
{"id":1}
-- call shop buy --
{}
`

// record runs the calls as they were, and returns them as records.
func record(t *testing.T) []trace.Record {
	t.Helper()
	a := txtar.Parse([]byte(replayArchive("5", "old", "owner") + replayCalls))
	traces, err := Explain(t.Context(), a, nil, ExplainOptions{Bodies: 1 << 10, Claims: []byte(`{"sub":"ann","roles":["owner"]}`)})
	if err != nil {
		t.Fatal(err)
	}
	var records []trace.Record
	for _, one := range traces {
		if r := one.Record(); r != nil {
			records = append(records, *r)
		}
	}
	return records
}

func TestReplay(t *testing.T) {
	records := record(t)
	if len(records) != 4 { // the last one was refused before there was a message
		t.Fatalf("got %d records, want 4", len(records))
	}
	if !strings.Contains(string(records[3].Claims), `"owner"`) || records[0].Decision.Requests[0].Request != "GET https://pets.test/pets/1" {
		t.Fatalf("got %+v", records)
	}
	bought := trace.Record{Time: records[0].Time.Add(time.Second), Server: "shop", Method: "tools/call", Decision: trace.Decision{Allowed: true, Status: 200}}
	bought.Params, bought.Subscription, bought.Product = []byte(`{"name":"buy"}`), "ann", "gold"
	bought.Decision.Requests = nil
	for _, c := range []struct {
		name                string
		calls, header, role string
		want                string
	}{
		{"nothing changed", "5", "old", "owner", ""},
		{"a lower limit", "1", "old", "owner", "2: decision: allowed → refused; 2: status: 200 → 429; 2: reason: none → RateLimitExceeded; " +
			"2: policy: none → server/inbound/rate-limit-by-key[1]; 2: request 1: GET https://pets.test/pets/2 → none"},
		{"another header", "5", "new", "owner", "1: request 1 header X-Pet: old → new; 2: request 1 header X-Pet: old → new"},
		{"another role", "5", "old", "admin", "4: decision: allowed → refused; 4: policy: none → allow; 4: request 1: POST https://notes.test/mcp → none"},
	} {
		list, err := Replay(t.Context(), replayFolder(t, c.calls, c.header, c.role), records)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got []string
		for i, one := range list {
			d := one.Trace.Decision()
			for _, line := range one.Record.Decision.Differences(&d) {
				got = append(got, string(rune('1'+i))+": "+line)
			}
		}
		text := strings.Join(got, "; ")
		if text != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, text, c.want)
		}
	}
	list, err := Replay(t.Context(), replayFolder(t, "5", "old", "owner"), []trace.Record{bought})
	if err != nil || list[0].Trace.Status != 200 {
		t.Errorf("a subscription: got %+v, %v", list, err)
	}
	for _, bad := range []trace.Record{{Server: "notes", Method: "tools/call"}, {Server: "notes", Method: "tools/call", Call: trace.Call{Claims: []byte("[]"), Params: []byte(`{"name":"a"}`)}}} {
		if _, err := Replay(t.Context(), replayFolder(t, "5", "old", "owner"), []trace.Record{bad}); err == nil {
			t.Errorf("%+v: got no error", bad)
		}
	}
}

func TestExplainFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no request", "-- settings --\nip: 192.0.2.1\n", "there is no request to explain"},
		{"faults of the gateway", "-- gateway.yaml --\nservres: {}\n-- list notes --\n", `unknown key "servres"`},
	} {
		_, err := Explain(t.Context(), txtar.Parse([]byte(c.text)), newFolder(t), ExplainOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := Explain(t.Context(), txtar.Parse([]byte("-- list notes --\n")), newFolder(t), ExplainOptions{Claims: []byte("[]")}); err == nil {
		t.Error("claims that are no object: got no error")
	}
}

// Requests to an API are recorded and run again as messages are.
func TestReplayAPI(t *testing.T) {
	withPath := func(archive string) string {
		return strings.Replace(archive, "apis: { pets: { openapi", "apis: { pets: { path: api, openapi", 1)
	}
	a := txtar.Parse([]byte(withPath(replayArchive("5", "old", "owner")) + "-- request --\nGET /api/pets/7?api-key=planted&x=1\nAccept: application/json\n"))
	traces, err := Explain(t.Context(), a, nil, ExplainOptions{Bodies: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := traces[0].Record()
	if r == nil || r.Target != "/api/pets/7?api-key=[secret]&x=1" || r.Method != "GET" || r.Server != "pets" {
		t.Fatalf("got %+v", r)
	}
	for _, c := range []struct{ header, want string }{{"old", ""}, {"new", "request 1 header X-Pet: old → new"}} {
		f := newFolder(t)
		for _, file := range txtar.Parse([]byte(withPath(replayArchive("5", c.header, "owner")))).Files {
			if err := os.WriteFile(filepath.Join(f.Dir, file.Name), file.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		list, err := Replay(t.Context(), f, []trace.Record{*r})
		if err != nil {
			t.Fatal(err)
		}
		d := list[0].Trace.Decision()
		if got := strings.Join(r.Decision.Differences(&d), "; "); got != c.want {
			t.Errorf("header %s: got %q, want %q", c.header, got, c.want)
		}
	}
	if _, err := Replay(t.Context(), replayFolder(t, "5", "old", "owner"), []trace.Record{{Server: "pets", Method: "GET", Call: trace.Call{Target: "pets"}}}); err == nil {
		t.Error("a target that is no path: got no error")
	}
}
