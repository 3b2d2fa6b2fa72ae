package expr

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// testBody is a body in memory.
type testBody struct {
	text string
	read bool
}

func (b *testBody) Bytes(preserve bool) ([]byte, error) {
	if b.read {
		return nil, nil
	}
	b.read = !preserve
	return []byte(b.text), nil
}

// testVariables are variables in a map.
type testVariables map[string]any

func (v testVariables) Lookup(name string) (any, bool) {
	value, ok := v[name]
	return value, ok
}

func (v testVariables) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if !yield(k, v[k]) {
				return
			}
		}
	}
}

func parseURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// requestContext is a context with something of everything.
func requestContext() *Context {
	x := testContext()
	x.RequestID, _ = ParseGuid("01020304-0506-0708-090a-0b0c0d0e0f10")
	x.Timestamp = x.Now().Add(-1500 * time.Millisecond)
	x.Api = &Api{ID: "orders", Name: "Orders", Path: "orders", Revision: "1", ServiceURL: parseURL("https://backend.contoso.com/v1")}
	x.Operation = &Operation{ID: "get-order", Method: "GET", Name: "Get order", URLTemplate: "/orders/{id}"}
	x.Product = &Product{ID: "starter", Name: "Starter", Groups: []Group{{ID: "g", Name: "Developers"}}}
	x.Deployment = &Deployment{GatewayID: "managed", Region: "West Europe", ServiceName: "contoso"}
	x.LastError = &LastError{Source: "validate-jwt", Reason: "TokenExpired", Message: "JWT expired", Section: "inbound"}
	x.Request = &Request{
		Body:              &testBody{text: `{"a":{"b":[1,2]},"name":"x"}`},
		Headers:           http.Header{"X-Test": {"one", "two"}, "Authorization": {"Bearer abc"}, "Cookie": {"a=1; b=2"}},
		IPAddress:         "10.0.0.1",
		MatchedParameters: map[string]string{"id": "42"},
		Method:            "POST",
		OriginalURL:       parseURL("https://gateway.contoso.com/orders/42?q=a%20b&q=c&z="),
		URL:               parseURL("https://backend.contoso.com:8443/v1/42?q=1"),
	}
	x.Response = &Response{Body: &testBody{text: "<r><v>7</v></r>"}, Headers: http.Header{"Content-Type": {"text/xml"}}, StatusCode: 200, StatusReason: "OK"}
	x.Mcp = &Mcp{Method: "tools/call", ToolName: "get_order", Arguments: mustObject(`{"id":42}`), ProtocolVersion: "2025-11-25", ClientName: "editor", ServerName: "orders"}
	x.Variables = testVariables{
		"text": "hello", "number": int32(5), "flag": true, "json": mustObject(`{"k":"v"}`), "nothing": nil,
		"response": &Response{StatusCode: 503, Headers: http.Header{}, Body: &testBody{text: `{"ok":true}`}},
	}
	return x
}

func mustObject(s string) *JObject {
	t, err := ParseJSON(s)
	if err != nil {
		panic(err)
	}
	return t.(*JObject)
}

// TestContext reads every part of the context.
func TestContext(t *testing.T) {
	tests := []struct{ source, want string }{
		{`context.Request.Headers.GetValueOrDefault("x-test","")`, "one,two"},
		{`context.Request.Headers.GetValueOrDefault("X-None","d")`, "d"},
		{`context.Request.Headers.GetValueOrDefault("X-None") == null`, "True"},
		{`context.Request.Headers["x-test"][1]`, "two"},
		{`context.Request.Headers["nope"]`, "! System.Collections.Generic.KeyNotFoundException: The given key 'nope' was not present in the dictionary."},
		{`context.Request.Headers.ContainsKey("cookie")`, "True"},
		{`context.Request.Headers.OrderBy(h => h.Key).First().Value[0]`, "Bearer abc"},
		{`context.Request.Headers.Count`, "3"},
		{`string.Join(",", context.Request.Headers.Keys)`, "Authorization,Cookie,X-Test"},
		{`context.Request.Headers.GetValueOrDefault("Authorization","").Split(' ').Last()`, "abc"},
		{`context.Request.Headers.TryGetValue("X-Test", out var v) ? v.Length : 0`, "2"},
		{`context.Request.Method == "POST"`, "True"},
		{`context.Request.IpAddress`, "10.0.0.1"},
		{`context.Request.MatchedParameters["id"]`, "42"},
		{`context.Request.MatchedParameters.GetValueOrDefault("none", "d")`, "d"},
		{`context.Request.MatchedParameters.ContainsKey("id")`, "True"},
		{`context.Request.OriginalUrl.ToString()`, "https://gateway.contoso.com/orders/42?q=a%20b&q=c&z="},
		{`context.Request.OriginalUrl.Host + context.Request.OriginalUrl.Path + context.Request.OriginalUrl.QueryString`, "gateway.contoso.com/orders/42?q=a%20b&q=c&z="},
		{`context.Request.OriginalUrl.Port`, "443"},
		{`context.Request.Url.Port`, "8443"},
		{`context.Request.OriginalUrl.Query.GetValueOrDefault("q")`, "a b,c"},
		{`context.Request.OriginalUrl.Query["q"][1]`, "c"},
		{`context.Request.OriginalUrl.Query.GetValueOrDefault("z", "d")`, ""},
		{`context.Request.OriginalUrl.Query.ContainsKey("none")`, "False"},
		{`context.Request.Body.As<JObject>()["a"]["b"][1]`, "2"},
		{`context.Request.Body.As<string>(preserveContent: true).Length`, "28"},
		{`context.Request.Body.As<byte[]>().Length`, "28"},
		{`context.Request.Body.As<JArray>()`, "! Newtonsoft.Json.JsonReaderException: Error reading JArray from JsonReader. Current JsonReader item is not an array: Object. Path '', line 1, position 1."},
		{`context.Request.Body.As<string>() + context.Request.Body.As<string>()`, `{"a":{"b":[1,2]},"name":"x"}`},
		{`context.Request.Body.As<int>()`, "! System.NotSupportedException: The body cannot be read as int: use string, byte[], JObject, JToken, JArray, XNode, XElement or XDocument."},
		{`context.Request.Certificate == null`, "True"},
		{`context.Request.Certificate.Thumbprint`, "! System.NullReferenceException: Object reference not set to an instance of an object."},
		{`context.Response.StatusCode`, "200"},
		{`context.Response.StatusReason`, "OK"},
		{`context.Response.Body.As<XElement>().Element("v").Value`, "7"},
		{`(string)context.Variables["text"]`, "hello"},
		{`(int)context.Variables["number"] + 1`, "6"},
		{`(bool)context.Variables["flag"] ? "y" : "n"`, "y"},
		{`(int)context.Variables["text"]`, "! System.InvalidCastException: Unable to cast object of type 'System.String' to type 'System.Int32'."},
		{`context.Variables["missing"]`, "! System.Collections.Generic.KeyNotFoundException: The given key 'missing' was not present in the dictionary."},
		{`context.Variables.ContainsKey("missing")`, "False"},
		{`context.Variables.GetValueOrDefault<string>("text")`, "hello"},
		{`context.Variables.GetValueOrDefault<int>("missing")`, "0"},
		{`context.Variables.GetValueOrDefault("missing", "d")`, "d"},
		{`context.Variables.GetValueOrDefault("text")`, "hello"},
		{`context.Variables.GetValueOrDefault<string>("number")`, "! System.InvalidCastException: Unable to cast object of type 'System.Int32' to type 'System.String'."},
		{`context.Variables.GetValueOrDefault<string>("nothing", "d") == null`, "True"},
		{`context.Variables.TryGetValue("text", out var v) ? v : "no"`, "hello"},
		{`((JObject)context.Variables["json"])["k"]`, "v"},
		{`((IResponse)context.Variables["response"]).StatusCode == 503`, "True"},
		{`((IResponse)context.Variables["response"]).Body.As<JObject>()["ok"]`, "True"},
		{`$"{context.Variables["text"]}-{(int)context.Variables["number"]}"`, "hello-5"},
		{`string.Join(",", context.Variables.Keys)`, "flag,json,nothing,number,response,text"},
		{`context.RequestId`, "01020304-0506-0708-090a-0b0c0d0e0f10"},
		{`context.Timestamp.ToString("s")`, "2024-05-06T07:08:07"},
		{`context.Elapsed.TotalMilliseconds`, "1500"},
		{`context.Api.Name + context.Api.ServiceUrl.Host`, "Ordersbackend.contoso.com"},
		{`context.Api.Version == null`, "True"},
		{`context.Operation.Id`, "get-order"},
		{`context.Product?.Name ?? "none"`, "Starter"},
		{`context.Product.Groups.Any(g => g.Name == "Developers")`, "True"},
		{`context.Product.SubscriptionsLimit == null`, "True"},
		{`context.Subscription?.Id ?? "anonymous"`, "anonymous"},
		{`context.Subscription.Id`, "! System.NullReferenceException: Object reference not set to an instance of an object."},
		{`context.User == null`, "True"},
		{`context.Deployment.Region`, "West Europe"},
		{`context.Deployment.Gateway.Id`, "managed"},
		{`context.Deployment.Certificates.ContainsKey("x")`, "False"},
		{`context.LastError.Reason`, "TokenExpired"},
		{`context.Mcp.Method + context.Mcp.ToolName + context.Mcp.Arguments["id"]`, "tools/callget_order42"},
		{`context.Workspace == null`, "True"},
		{`JsonConvert.SerializeObject(context.LastError)`, `{"Source":"validate-jwt","Reason":"TokenExpired","Message":"JWT expired","Scope":"","Section":"inbound","Path":"","PolicyId":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			p, errs := Compile(tt.source, Single, Position{1, 1})
			if len(errs) > 0 {
				t.Fatalf("compiling: %v", errs)
			}
			got, err := p.String(requestContext(), nil)
			if err != nil {
				got = "! " + err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestForm reads a form body.
func TestForm(t *testing.T) {
	x := requestContext()
	x.Request.Body = &testBody{text: "code=a%20b+c&code=d&state="}
	got := evaluate(t, `context.Request.Body.AsFormUrlEncodedContent(preserveContent: true)["code"][0] + context.Request.Body.AsFormUrlEncodedContent(true).ToQueryString()`, x)
	if want := "a b ccode=a+b+c&code=d&state="; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTrace(t *testing.T) {
	x := requestContext()
	var got string
	x.Trace = func(s string) { got = s }
	p, errs := Compile(`context.Trace("seen"); return 1;`, Statements, Position{1, 1})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if _, err := p.Eval(x, nil); err != nil {
		t.Fatal(err)
	}
	if got != "seen" {
		t.Errorf("got %q, want %q", got, "seen")
	}
}

// TestReads finds which bodies and variables an expression needs.
func TestReads(t *testing.T) {
	tests := []struct {
		source            string
		request, response bool
		variables         string
	}{
		{`context.Request.Method`, false, false, "[] false"},
		{`context.Request.Body.As<string>()`, true, false, "[] false"},
		{`context.Response.Body.As<string>()`, false, true, "[] false"},
		{`((IResponse)context.Variables["r"]).Body.As<string>()`, false, false, "[r] false"},
		{`context.Response.StatusCode + context.Variables.GetValueOrDefault<IResponse>("r").Body.As<string>()`, false, false, "[r] false"},
		{`context.Variables[context.Api.Name]`, false, false, "[] true"},
		{`context.Variables.ContainsKey("a") && context.Variables.Count > 0`, false, false, "[a] true"},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			p, errs := Compile(tt.source, Single, Position{1, 1})
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			names, others := p.ReadsVariables()
			if got := fmt.Sprint(names, others); got != tt.variables {
				t.Errorf("variables: got %s, want %s", got, tt.variables)
			}
			if p.NeedsRequestBody() != tt.request || p.NeedsResponseBody() != tt.response {
				t.Errorf("bodies: got %v and %v, want %v and %v", p.NeedsRequestBody(), p.NeedsResponseBody(), tt.request, tt.response)
			}
		})
	}
}

// TestErrors compares positions, messages and fixes.
func TestErrors(t *testing.T) {
	tests := []struct{ source, want string }{
		{`context.Request.Metod`, `[3:21: IRequest has no member "Metod": did you mean "Method"?]`},
		{`contxt.Request`, `[3:5: the name "contxt" is unknown: did you mean "context"?]`},
		{`"a".Lengt()`, `[3:9: string has no method "Lengt": did you mean "Length"?]`},
		{`new Strin()`, `[3:9: the type Strin is unknown: did you mean "string"?]`},
		{`System.IO.File.ReadAllText("x")`, `[3:15: the name "File" is unknown in System.IO: only the types that API Management allows exist]`},
		{"1 +\n  true", `[3:7: the operator + does not apply to int and bool: convert one side to the type of the other]`},
		{`(string)5`, `[3:5: int cannot be cast to string: use ToString(), Parse or Convert]`},
		{`1 == "a"`, `[3:7: the operator == does not apply to int and string: convert one side to the type of the other]`},
		{`"a`, `[3:5: the string has no end: end it with ", or write @"…" for several lines]`},
		{`(1 + 2`, `[3:11: the expression ends where ")" should follow: check the brackets, quotes and operators before it]`},
		{`"a".Substring("b")`, `[3:9: no Substring of string takes (string): one of: string Substring(int startIndex); string Substring(int startIndex, int length)]`},
		{`true ? 1 : "a"`, `[3:10: both sides of ?: need one type, not int and string: cast one side to the type of the other]`},
		{`context.Request.Headers.Foo`, `[3:29: IHeaders has no member "Foo": cast the value to the type that has it]`},
		{`context.Variables["x"].Length`, `[3:28: object has no member "Length": cast the value to the type that has it]`},
		{`context.Request = null`, `[3:13: this cannot be assigned: assign to a variable; context and most members are read-only]`},
		{`new[] { 1 }.Wher(x => x > 0)`, `[3:17: int[] has no method "Wher": did you mean "Where"?]`},
		{`2147483648000000000000`, `[3:5: the number 2147483648000000000000 is out of range: write a number that its type can hold]`},
		{`string.Length`, `[3:12: Length of string is no static member: take it of a value]`},
		{`"a" ?? 5`, `[3:9: ?? needs one type on both sides, not string and int: convert one side]`},
		{`1 #`, `[3:7: the character '#' is not of C#: remove it]`},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			_, errs := Compile(tt.source, Single, Position{3, 5})
			if got := fmt.Sprint(errs); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestStatementErrors compares the messages about statements.
func TestStatementErrors(t *testing.T) {
	tests := []struct{ source, want string }{
		{`var x = 1;`, "not all code paths return a value"},
		{`if (true) { return 1; }`, "not all code paths return a value"},
		{`var x = 1; var x = 2; return x;`, `the variable "x" is declared already`},
		{`return y;`, `the name "y" is unknown`},
		{`int x = "a"; return x;`, "string does not convert to int"},
		{`if (1) { } return 1;`, "int does not convert to bool"},
		{`break;`, "break stands outside of a loop"},
		{`1 + 1; return 1;`, "the value is not used"},
		{`foreach (var x in 5) { } return 1;`, "int is not enumerable"},
		{`return 1`, `the expression ends where ";" should follow`},
		{`switch (1) { case 1: var a = 2; } return 1;`, "the case runs on into the next one"},
		{`var x = null; return x;`, `the type of "x" cannot be found from null`},
		{`var f = x => x; return 1;`, "a lambda stands where its type cannot be known"},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			_, errs := Compile(tt.source, Statements, Position{1, 1})
			if len(errs) == 0 || errs[0].Message != tt.want {
				t.Errorf("got %v, want %q", errs, tt.want)
			}
		})
	}
}

// TestBudget stops what would not end or grow without bound.
func TestBudget(t *testing.T) {
	tests := []struct{ source, want string }{
		{`while (true) { }`, "steps"},
		{`for (;;) { try { while (true) { } } catch { } }`, "steps"},
		{`var s = "ab"; while (true) { s += s; }`, "memory"},
		{`var l = new List<int>(); for (int i = 0; ; i++) { l.Add(i); l.AddRange(l); }`, "steps"},
		{`var s = new string('x', 2000000000); return s;`, "memory"},
		{`return "a".PadLeft(2000000000);`, "memory"},
		{`return new byte[2000000000].Length;`, "memory"},
		{`return Enumerable.Range(0, 2000000000).Sum(x => (long)x);`, "steps"},
		{`return Enumerable.Repeat("x", 2000000000).Count();`, "steps"},
		{`int F(int x) => F(x + 1); return F(0);`, "depth"},
		{`Func<int, int> f = null; f = x => f(x) + 1; return f(0);`, "depth"},
		{`var s = "x".PadLeft(1000000, 'a'); var n = 0; while (true) { n += Regex.Matches(s, "a*b").Count; }`, "steps"},
		{`var o = new JArray(); while (true) { o.Add(o); }`, "memory"},
	}
	for _, tt := range tests {
		t.Run(tt.source, func(t *testing.T) {
			p, errs := Compile(tt.source, Statements, Position{1, 1})
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			_, err := p.Eval(testContext(), nil)
			var stopped *BudgetError
			if !errors.As(err, &stopped) || stopped.Resource != tt.want {
				t.Errorf("got %v, want an exhausted budget of %s", err, tt.want)
			}
		})
	}
}

// TestResults converts results as policies do.
func TestResults(t *testing.T) {
	compiled := func(source string) *Program {
		p, errs := Compile(source, Single, Position{1, 1})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		return p
	}
	if got, err := compiled(`"True"`).Bool(testContext(), nil); err != nil || !got {
		t.Errorf("Bool of text: got %v, %v, want true", got, err)
	}
	if got, err := compiled(`"12"`).Int(testContext(), nil); err != nil || got != 12 {
		t.Errorf("Int of text: got %v, %v, want 12", got, err)
	}
	if _, err := compiled(`"maybe"`).Bool(testContext(), nil); !IsException(err, "FormatException") {
		t.Errorf("Bool of other text: got %v, want a FormatException", err)
	}
	if _, err := compiled(`(string)null`).Int(testContext(), nil); !IsException(err, "InvalidCastException") {
		t.Errorf("Int of null: got %v, want an InvalidCastException", err)
	}
	if got := compiled(`new[] { "a" }.Select(x => x.Length).ToList()`).Type(); got != "List<int>" {
		t.Errorf("Type: got %s, want List<int>", got)
	}
}

// TestExtent finds where expressions end.
func TestExtent(t *testing.T) {
	tests := []struct{ text, want string }{
		{`@(1 + (2))" />`, `@(1 + (2))`},
		{`@("a)" + 'b') x`, `@("a)" + 'b')`},
		{`@($"{f(")")}" + @"a"")") x`, `@($"{f(")")}" + @"a"")")`},
		{"@{ // }\n return 1; /* } */ } x", "@{ // }\n return 1; /* } */ }"},
		{`@(1`, ""},
		{`x`, ""},
		{`@("a`, ""},
	}
	for _, tt := range tests {
		n, ok := Extent(tt.text)
		if got := tt.text[:n]; got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %q, %v, want %q", tt.text, got, ok, tt.want)
		}
	}
}

// TestCatchInRecursion finds a function's variables as they were after a catch.
func TestCatchInRecursion(t *testing.T) {
	source := `int Down(int n) { try { if (n == 0) { throw new Exception("end"); } return Down(n - 1) + n; } catch (Exception) { return n * 100; } } return Down(3);`
	p, errs := Compile(source, Statements, Position{1, 1})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got, err := p.Int(testContext(), nil); err != nil || got != 6 {
		t.Errorf("got %v, %v, want 6", got, err)
	}
}

// TestUnsupportedRegex says what is not supported.
func TestUnsupportedRegex(t *testing.T) {
	p, errs := Compile(`Regex.IsMatch("a", context.Api.Name)`, Single, Position{1, 1})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	x := requestContext()
	x.Api.Name = "(?=a)"
	if _, err := p.Eval(x, nil); err == nil || !strings.Contains(err.Error(), "look-around") {
		t.Errorf("got %v, want an error about look-around", err)
	}
	if _, errs := Compile(`Regex.IsMatch("a", "(a)\\1")`, Single, Position{1, 1}); len(errs) != 1 || !strings.Contains(errs[0].Message, "back-references") {
		t.Errorf("got %v, want an error about back-references", errs)
	}
}
