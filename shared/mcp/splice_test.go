package mcp

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestSplice(t *testing.T) {
	raw := []byte("0123456789")
	got := string(Splice(raw, Edit{Span{7, 8}, []byte("seven")}, Edit{Span{0, 0}, []byte("<")}, Edit{Span{2, 4}, nil}))
	if want := "<01456seven89"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if string(raw) != "0123456789" {
		t.Error("the original was changed")
	}
}

func TestMembers(t *testing.T) {
	raw := jsontext.Value(`{ "a" : 1 , "b\"c":[2, 3],"d":"x"}`)
	members, err := Members(raw)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range members {
		got = append(got, m.Name+"="+string(raw[m.Value.Start:m.Value.End])+" in "+string(raw[m.Whole.Start:m.Whole.End]))
	}
	want := `a=1 in "a" : 1|b"c=[2, 3] in "b\"c":[2, 3]|d="x" in "d":"x"`
	if strings.Join(got, "|") != want {
		t.Errorf("got %s, want %s", strings.Join(got, "|"), want)
	}
	for _, bad := range []string{`[]`, `{"a":1`, `{"a":1,"a":2}`, ``} {
		if _, err := Members(jsontext.Value(bad)); err == nil {
			t.Errorf("%q was taken for an object", bad)
		}
	}
}

func TestReadResponse(t *testing.T) {
	stream := "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"
	for _, c := range []struct {
		name, contentType, body, want string
		others                        int
	}{
		{"JSON", "application/json", `{"jsonrpc":"2.0","id":1,"result":{}}`, `{"jsonrpc":"2.0","id":1,"result":{}}`, 0},
		{"stream", "text/event-stream; charset=utf-8", stream, `{"jsonrpc":"2.0","id":1,"result":{}}`, 1},
		{"stream without response", "text/event-stream", stream[:strings.Index(stream, "\n\n")+2], "", 1},
		{"HTML", "text/html", "<html>", "", 0},
		{"too large", "application/json", `{"jsonrpc":"2.0","id":1,"result":"` + strings.Repeat("x", 1000) + `"}`, "", 0},
	} {
		others := 0
		got, err := ReadResponse(http.Header{"Content-Type": {c.contentType}}, strings.NewReader(c.body), 500, func(jsontext.Value) error { others++; return nil })
		if string(got) != c.want || (err == nil) != (c.want != "") || others != c.others {
			t.Errorf("%s: got %s, %v, %d others, want %s, %d others", c.name, got, err, others, c.want, c.others)
		}
	}
}
