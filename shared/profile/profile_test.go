package profile

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func profileOf(t *testing.T, name string) *Profile {
	t.Helper()
	p := Known(name)
	if p == nil {
		t.Fatalf("there is no profile %q", name)
	}
	return p
}

func TestNames(t *testing.T) {
	long := "kubernetes_replaceCertificatesV1alpha1NamespacedPodCertificateRequestStatus"
	tests := []struct{ profile, server, name, want string }{
		{"anthropic", "orders", "getOrder", "getOrder"},
		{"anthropic", "orders", "repos/list", "repos_list_63c9ed"},
		{"anthropic", "orders", long, "kubernetes_replaceCertificates_RequestStatus_"},
		{"anthropic", "orders", "日本", "__"},
		{"anthropic", "orders", "", "__e3b0c4"},
		{"gemini", "orders", "2fa", "_2fa_"},
		{"gemini", "orders", "-dash", "dash_"},
		{"gemini", "orders", "get-order", "get-order"},
		{"cursor", strings.Repeat("s", 30), "list_all_the_orders_of_one_customer", "list_all_"},
		{"cursor", strings.Repeat("s", 63), "list_all_the_orders_of_one_customer", "list_all_"},
		{"none", "orders", "any thing/at all", "any thing/at all"},
	}
	for _, tt := range tests {
		p := profileOf(t, tt.profile).For(tt.server)
		got, changed := p.Names([]string{tt.name})[tt.name]
		if !changed {
			got = tt.name
		}
		if got != tt.want && (!strings.HasPrefix(got, tt.want) || !Made(got)) {
			t.Errorf("%s: the name of %q: got %q, want %q and a hash", tt.profile, tt.name, got, tt.want)
		}
		if p.NameLength > 0 && len(got) > p.NameLength {
			t.Errorf("%s: got %q, of %d characters, want %d at most", tt.profile, got, len(got), p.NameLength)
		}
	}
}

// The name of a tool is the same whichever other tools there are, and in whatever order;
// only one that would be that of another tool is another.
func TestNamesAreStable(t *testing.T) {
	p := profileOf(t, "anthropic")
	names := []string{"a.b", "a/b", "a_b", strings.Repeat("long", 40), strings.Repeat("long", 41), "plain"}
	alone := map[string]string{}
	for _, name := range names {
		maps.Copy(alone, p.Names([]string{name}))
	}
	for range 50 {
		rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		if got := p.Names(names); !maps.Equal(got, alone) {
			t.Fatalf("got %v, want %v", got, alone)
		}
	}
	taken := alone["a.b"]
	got := p.Names([]string{"a.b", taken})
	if got["a.b"] == taken || got[taken] != "" || !strings.HasPrefix(got["a.b"], taken) {
		t.Errorf("got %v, want a longer hash for a.b and %q as it is", got, taken)
	}
}

func TestMade(t *testing.T) {
	for name, want := range map[string]bool{"a_1a2b3c": true, "__e3b0c4": true, "a_1a2b3c4d5e6f": true, "a": false, "a_b": false, "a_12345": false, "a_1A2B3C": false, "": false} {
		if got := Made(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

func TestClients(t *testing.T) {
	for name, want := range map[string]string{
		"Visual Studio Code": "vscode", "Visual Studio Code - Insiders": "vscode", "cursor-vscode": "cursor", "claude-ai (via mcp-remote 0.1.37)": "anthropic",
		"claude-code": "claude-code", "codex-mcp-client": "openai", "ChatGPT": "openai", "windsurf-client": "windsurf", "Windsurf": "windsurf", "gemini-cli-mcp-client": "gemini",
		"other": "", "": "",
	} {
		if got := OfClient(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	for _, c := range clients {
		if Known(c.profile) == nil {
			t.Errorf("%s: there is no profile %q", c.pattern, c.profile)
		}
	}
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"a*c", "abc", true}, {"a*c", "ac", true}, {"a*c", "abd", false}, {"a*b*c", "axbyc", true}, {"a*b*c", "acb", false}, {"a", "A", true}, {"a", "ab", false}, {"*", "", true}, {"ab*b", "ab", false},
	} {
		if got := Matches(tt.pattern, tt.name); got != tt.want {
			t.Errorf("%q and %q: got %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

func TestAdapt(t *testing.T) {
	tests := []struct {
		name, profile, definition, want string
		arguments                       map[string]string
		changes                         string
	}{
		{
			name: "nothing to do", profile: "anthropic",
			definition: `{"name": "a",  "inputSchema":{"type":"object","properties":{"b":{"$ref":"#/$defs/B"}},"$defs":{"B":{"oneOf":[{"type":"string"}]}}}}`,
			want:       `{"name": "a",  "inputSchema":{"type":"object","properties":{"b":{"$ref":"#/$defs/B"}},"$defs":{"B":{"oneOf":[{"type":"string"}]}}}}`,
		},
		{
			name: "one of two arguments", profile: "anthropic",
			definition: `{"name":"a","description":"Impact.","inputSchema":{"type":"object","properties":{"route":{"type":"string"},"file":{"type":"string"}},"anyOf":[{"required":["route"]},{"required":["file"]}]}}`,
			want:       `{"name":"a","description":"Impact.\nGive at least one of these sets of arguments: route; file.","inputSchema":{"type":"object","properties":{"route":{"type":"string"},"file":{"type":"string"}}}}`,
			changes:    "top-level anyOf: 1×",
		},
		{
			name: "a union told apart by a constant", profile: "openai",
			definition: `{"name":"a","inputSchema":{"type":"object","oneOf":[{"$ref":"#/$defs/S3"},{"properties":{"type":{"const":"web"},"url":{"type":"string","x-mcp-header":"Url"}},"required":["type","url"]}],"$defs":{"S3":{"type":"object","properties":{"type":{"const":"s3"},"bucket":{"type":"string"}},"required":["type","bucket"]}}}}`,
			want:       `{"name":"a","inputSchema":{"type":"object","$defs":{"S3":{"type":"object","properties":{"type":{"const":"s3"},"bucket":{"type":"string"}},"required":["type","bucket"]}},"properties":{"type":{"anyOf":[{"const":"s3"},{"const":"web"}]},"bucket":{"type":"string"},"url":{"type":"string"}},"required":["type"]},"description":"Give exactly one of these sets of arguments: type = \"s3\", bucket; type = \"web\", url."}`,
			changes:    "$ref: 1× | top-level oneOf: 1×",
		},
		{
			name: "all of several", profile: "anthropic",
			definition: `{"name":"a","inputSchema":{"type":"object","allOf":[{"properties":{"b":{"type":"string"}},"required":["b"],"additionalProperties":false},{"properties":{"c":{"type":"integer"}},"required":["c"]}],"not":{"required":["d"]}}}`,
			want:       `{"name":"a","inputSchema":{"type":"object","properties":{"b":{"type":"string"},"c":{"type":"integer"}},"required":["b","c"]},"description":"Not: {\"required\":[\"d\"]}"}`,
			changes:    "not: 1× | top-level allOf: 1×",
		},
		{
			name: "names of arguments", profile: "anthropic",
			definition: `{"name":"a","inputSchema":{"type":"object","properties":{"$top":{"type":"integer","description":"How many."},"filter[name]":{"type":"string"},"ok":true},"required":["ok","$top"]}}`,
			want:       `{"name":"a","inputSchema":{"type":"object","properties":{"top_81bf98":{"type":"integer","description":"How many. It is \"$top\"."},"filter_name_259d80":{"type":"string","description":"It is \"filter[name]\"."},"ok":true},"required":["ok","top_81bf98"]}}`,
			arguments:  map[string]string{"top_81bf98": "$top", "filter_name_259d80": "filter[name]"},
		},
		{
			name: "arrays without items", profile: "vscode",
			definition: `{"name":"a","inputSchema":{"type":"object","properties":{"b":{"type":"array"},"c":{"type":["array","null"],"items":{"type":"array"}}}}}`,
			want:       `{"name":"a","inputSchema":{"type":"object","properties":{"b":{"type":"array","items":{}},"c":{"type":["array","null"],"items":{"type":"array","items":{}}}}}}`,
			changes:    "items, which were not described: 2×",
		},
		{
			name: "gemini: keywords", profile: "gemini",
			definition: `{"name":"a","inputSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"n":{"type":"integer","exclusiveMinimum":0,"description":"Count."},"u":{"type":"string","format":"uri"},"w":{"type":"string","format":"date-time"},"k":{"const":"x"},"l":{"type":"integer","enum":[1,2]},"m":{"type":"object","additionalProperties":{"type":"string"}},"h":{"type":"string","x-mcp-header":"H"}},"required":["n"],"additionalProperties":false}}`,
			want:       `{"name":"a","inputSchema":{"type":"object","properties":{"n":{"type":"integer","description":"Count. More than 0."},"u":{"type":"string","description":"Format: uri."},"w":{"type":"string","format":"date-time"},"k":{"enum":["x"],"type":"string"},"l":{"type":"integer","description":"One of 1, 2."},"m":{"type":"object","description":"Other names may be given, with values by: {\"type\":\"string\"}"},"h":{"type":"string","x-mcp-header":"H"}},"required":["n"]}}`,
			changes:    "$schema: 1× | additionalProperties: 2× | const: 1× | enum: 1× | exclusiveMinimum: 1× | format: 1×",
		},
		{
			name: "gemini: types and references", profile: "gemini",
			definition: `{"name":"a","inputSchema":{"type":"object","properties":{"n":{"type":["string","null"]},"o":{"oneOf":[{"type":"string","maxLength":3},{"type":"integer"}],"description":"Either."},"t":{"$ref":"#/$defs/T"},"l":{"type":"array"},"x":{}},"$defs":{"T":{"type":"object","properties":{"v":{"type":"string"},"next":{"$ref":"#/$defs/T"}}}}}}`,
			want:       `{"name":"a","inputSchema":{"type":"object","properties":{"n":{"nullable":true,"type":"string"},"o":{"description":"Either.","anyOf":[{"type":"string","maxLength":3},{"type":"integer"}]},"t":{"type":"object","properties":{"v":{"type":"string"},"next":{"type":"object"}}},"l":{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"number"},{"type":"boolean"},{"type":"object"}]}},"x":{"anyOf":[{"type":"string"},{"type":"number"},{"type":"boolean"},{"type":"object"}]}}}}`,
		},
		{
			name: "gemini: anyOf beside properties", profile: "gemini",
			definition: `{"name":"a","inputSchema":{"type":"object","properties":{"p":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}}}}`,
			want:       `{"name":"a","inputSchema":{"type":"object","properties":{"p":{"anyOf":[{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"]},{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["b"]}]}}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := profileOf(t, tt.profile).Adapt(jsontext.Value(tt.definition), "a")
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Definition) != tt.want {
				t.Errorf("got  %s\nwant %s", got.Definition, tt.want)
			}
			if !maps.Equal(got.Arguments, tt.arguments) {
				t.Errorf("arguments: got %v, want %v", got.Arguments, tt.arguments)
			}
			if changes := strings.Join(got.Changes, " | "); tt.changes != "" && changes != tt.changes {
				t.Errorf("changes: got %q, want %q", changes, tt.changes)
			}
		})
	}
}

func TestDescription(t *testing.T) {
	p := &Profile{Name: "short", Description: 60, Flat: true}
	got, err := p.Adapt(jsontext.Value(`{"name":"a","description":"Finds what somebody has ordered in a shop, and when it comes, and from where.","inputSchema":{"type":"object","anyOf":[{"required":["a"]},{"required":["b"]}]}}`), "a")
	if err != nil {
		t.Fatal(err)
	}
	if want := `"description":"Finds what somebody has ordered in a shop, and when it…"`; !strings.Contains(string(got.Definition), want) {
		t.Errorf("got %s, want %s in it", got.Definition, want)
	}
	if !slices.ContainsFunc(got.Changes, func(c string) bool { return strings.HasPrefix(c, "not said in the description") }) {
		t.Errorf("got %q, want what is not said", got.Changes)
	}
}

func TestDrop(t *testing.T) {
	p := &Profile{Name: "own", Drop: []string{"format", "default", "properties"}}
	got, err := p.Adapt(jsontext.Value(`{"name":"a","inputSchema":{"type":"object","properties":{"format":{"type":"string","format":"uri","default":"x"}}}}`), "a")
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"name":"a","inputSchema":{"type":"object","properties":{"format":{"type":"string","description":"Format: uri. Default: x."}}}}`; string(got.Definition) != want {
		t.Errorf("got %s, want %s", got.Definition, want)
	}
}

func TestUnreadable(t *testing.T) {
	for _, definition := range []string{"", "[]", `{"name":`, `{} {}`, strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)} {
		got, err := profileOf(t, "gemini").Adapt(jsontext.Value(definition), "a")
		if err == nil || string(got.Definition) != definition {
			t.Errorf("%.40s: got %.40s, %v, want an error and the definition", definition, got.Definition, err)
		}
	}
}

// A schema of a few bytes cannot keep the gateway busy.
func TestHostileSchemas(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"name":"a","inputSchema":{"type":"object","anyOf":[{"$ref":"#/$defs/d0"}],"properties":{"p":{"$ref":"#/$defs/d0"}},"$defs":{`)
	for i := range 40 {
		if i > 0 {
			b.WriteByte(',')
		}
		next := `"#/$defs/d` + string(rune('0'+(i+1)%10)) + `"`
		b.WriteString(`"d` + string(rune('0'+i%10)) + strings.Repeat("x", i/10) + `":{"anyOf":[` + strings.Repeat(`{"properties":{"q":{"$ref":`+next+`},"r":{"$ref":`+next+`}},"$ref":`+next+`},`, 8) + `{"$ref":` + next + `}],"oneOf":[{"$ref":` + next + `}],"allOf":[{"$ref":` + next + `},{"$ref":` + next + `}]}`)
	}
	b.WriteString(`}}}`)
	for _, name := range KnownNames() {
		p := profileOf(t, name)
		got, err := p.Adapt(jsontext.Value(b.String()), "a")
		if err == nil {
			obeys(t, p, got)
		}
	}
}
