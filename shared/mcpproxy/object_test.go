package mcpproxy

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

func TestRebuild(t *testing.T) {
	tests := []struct{ raw, drop, add, want string }{
		{`{}`, "", "", `{}`},
		{`{}`, "", `"a":1`, `{"a":1}`},
		{`{ "a" : 1.0 , "b":[ ] }`, "", "", `{"a" : 1.0,"b":[ ]}`},
		{`{"a":1,"b":2,"c":3}`, "a", "", `{"b":2,"c":3}`},
		{`{"a":1,"b":2,"c":3}`, "c", `"d":4`, `{"a":1,"b":2,"d":4}`},
		{`{"a":1}`, "a", "", `{}`},
		{`{"\u0061":1,"b\"":2}`, "a", "", `{"b\"":2}`},
	}
	for _, tt := range tests {
		var add []string
		if tt.add != "" {
			add = append(add, tt.add)
		}
		got, err := rebuild(jsontext.Value(tt.raw), func(name string, v jsontext.Value) (jsontext.Value, error) {
			if name == tt.drop {
				return nil, nil
			}
			return v, nil
		}, add...)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s without %q: got %s, %v, want %s", tt.raw, tt.drop, got, err, tt.want)
		}
	}
	for _, raw := range []string{``, `[]`, `1`, `{"a":1,"a":2}`, `{"a"}`, `{"a":1`} {
		if got, err := rebuild(jsontext.Value(raw), keep); err == nil {
			t.Errorf("%s: got %s, want an error", raw, got)
		}
	}
}

func TestWithMeta(t *testing.T) {
	for raw, want := range map[string]string{
		`{"a":1}`:                  `{"a":1,"_meta":{"k":1,"l":2}}`,
		`{"_meta":{},"a":1}`:       `{"_meta":{"k":1,"l":2},"a":1}`,
		`{"_meta":{"b":1},"a":1}`:  `{"_meta":{"b":1,"k":1,"l":2},"a":1}`,
		`{"_meta":"wrong","a":1}`:  `{"a":1,"_meta":{"k":1,"l":2}}`,
		`{"a":{"_meta":{"b":1}} }`: `{"a":{"_meta":{"b":1}},"_meta":{"k":1,"l":2}}`,
	} {
		if got, err := withMeta(jsontext.Value(raw), `"k":1`, `"l":2`); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", raw, got, err, want)
		}
	}
}

func FuzzRebuild(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":[{"a":2}]}`, ` { "\u0061\"" : 1e400 , "b":"]" } `, `{"a":1,"a":2}`, `[1]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := rebuild(raw, keep, `"\u0000added":1`)
		if err != nil {
			return
		}
		if !got.IsValid() {
			t.Fatalf("%q became %q, which is no JSON", raw, got)
		}
		members, err := mcp.Members(raw)
		if err != nil {
			t.Fatalf("%q was rebuilt, but has no members: %v", raw, err)
		}
		for _, m := range members {
			if now := lookup(got, m.Name); !bytes.Equal(now, raw[m.Value.Start:m.Value.End]) {
				t.Errorf("%q: member %q became %q", raw, m.Name, now)
			}
		}
	})
}

// FuzzAnswer gives a bridged client whatever a server may say.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"result":{}}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"m","data":{"elicitations":[{}]}}}`,
		"id: 1\ndata: \n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":1}]}}\n\n",
		"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1}}\n\n",
		`{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"a":{"method":1}}}}`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	p := newProxy(f, "http://127.0.0.1:1", func(o *Options) { o.Tools, o.Log = []ToolSelection{{Tool: "a", Name: "b", Title: "t"}}, nil })
	s := &session{wire: deaf{}, discovery: mcp.Discovery{ServerInfo: p.info}}
	f.Fuzz(func(t *testing.T, body []byte, stream bool) {
		for _, method := range []string{"tools/list", "tools/call", "resources/read"} {
			res := &http.Response{Header: http.Header{"Content-Type": typeJSON}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1, Request: new(http.Request)}
			if stream {
				res.Header["Content-Type"] = []string{mcp.ContentSSE}
			}
			for _, v := range []mcp.Version{mcp.Latest, mcp.LatestLegacy} {
				raw := `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{"name":"b","uri":"u",` + modernMeta(`"progressToken":2`) + `}}`
				req := &mcp.Request{Version: v, Header: http.Header{}}
				var err error
				if req.Message, err = mcp.Scan([]byte(raw), 0); err != nil {
					t.Fatal(err)
				}
				var visit visitor
				c := new(collector)
				if v.Modern() {
					visit = (&ownExchange{proxy: p, session: s, ctx: t.Context(), req: req, reply: c, id: "1", level: 1}).visit
				} else {
					visit = (&downgraded{proxy: p, ctx: t.Context(), req: req, reply: c}).visit
				}
				res.Body = io.NopCloser(bytes.NewReader(body))
				_, _, err = p.messages(res, visit)
				if err != nil {
					_ = publicMessage(fail(err))
				}
				if c.result != nil && !c.result.IsValid() {
					t.Errorf("%q became %q, which is no JSON", body, c.result)
				}
				for _, n := range c.notes {
					if !n.IsValid() {
						t.Errorf("%q became the notification %q, which is no JSON", body, n)
					}
				}
			}
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add("test://{id}/data", "test://1/data")
	f.Add("{+path}", "x")
	f.Add("a{", "a")
	f.Add(strings.Repeat("{a}", 2000), "a")
	f.Fuzz(func(t *testing.T, uriTemplate, uri string) {
		tmpl := newTemplate(entry{name: uriTemplate})
		if matched := tmpl.matches(uri); !strings.Contains(uriTemplate, "{") && strings.ToValidUTF8(uri, "") == uri && max(len(uri), len(uriTemplate)) <= maxURI && matched != (uri == uriTemplate) {
			t.Errorf("%q without expressions matches %q: %v", uriTemplate, uri, matched)
		}
	})
}

func TestTemplate(t *testing.T) {
	tests := []struct {
		template, uri string
		want          bool
	}{
		{"test://{id}/data", "test://1/data", true},
		{"test://{id}/data", "test://1/2/data", false},
		{"test://{id}/data", "test:///data", true},
		{"test://{id}/data", "xtest://1/data", false},
		{"test://{id}/data", "test://1/datax", false},
		{"test://{+id}", "test://1/2?x", true},
		{"test://x{?a,b}", "test://x?a=1", true},
		{"test://x{?a,b}", "test://x", true},
		{"test://x{/a}", "test://x/1", true},
		{"test://x.y", "test://xzy", false},
		{"test://{a", "test://{a", false},
		{"test://{}", "test://", false},
		{strings.Repeat("{a}", maxExpressions), "a", true},
		{strings.Repeat("{a}", maxExpressions+1), "a", false},
		{"{+a}", strings.Repeat("a", maxURI+1), false},
	}
	for _, tt := range tests {
		tmpl := newTemplate(entry{name: tt.template})
		if got := tmpl.matches(tt.uri); got != tt.want {
			t.Errorf("%s matches %s: got %v, want %v", tt.template, tt.uri, got, tt.want)
		}
	}
}
