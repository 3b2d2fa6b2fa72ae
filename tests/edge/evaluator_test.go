package edge_test

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
)

// request is what the edge sees of one.
type request struct {
	method string
	target string // path and query
	length string // the header; empty: none
	// socket is the address of the connection, and remote the one that a proxy, or the
	// client, says it has.
	socket, remote netip.Addr
}

func (r *request) path() string {
	for i, c := range r.target {
		if c == '?' {
			return r.target[:i]
		}
	}
	return r.target
}

func decode(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}

// expressions are those that were met, compiled.
var expressions = map[string]*regexp.Regexp{}

func matches(expression, text string) bool {
	if expressions[expression] == nil {
		expressions[expression] = regexp.MustCompile(expression)
	}
	return expressions[expression].MatchString(text)
}

// edge refuses requests by what was written for it.
type edge interface{ refuses(r *request) bool }

// frontDoor is the written policy of Front Door, read as its documentation says.
type frontDoor struct {
	Resources []struct {
		Properties struct {
			CustomRules struct {
				Rules []struct {
					Action, RuleType string
					MatchConditions  []frontDoorCondition
				}
			}
		}
	}
}

type frontDoorCondition struct {
	MatchVariable, Selector, Operator string
	NegateCondition                   bool
	MatchValue                        []string
	Transforms                        []string
}

func (f *frontDoor) refuses(r *request) bool {
	for _, rule := range f.Resources[0].Properties.CustomRules.Rules {
		all := rule.Action == "Block" && rule.RuleType == "MatchRule" && len(rule.MatchConditions) > 0
		for _, c := range rule.MatchConditions {
			all = all && c.holds(r)
		}
		if all {
			return true
		}
	}
	return false
}

func (c *frontDoorCondition) holds(r *request) bool {
	text, address := "", netip.Addr{}
	switch c.MatchVariable {
	case "RequestMethod":
		text = r.method
	case "RequestUri":
		text = "https://tools.contoso.com" + r.target
	case "RequestHeader":
		text = r.length
	case "SocketAddr":
		address = r.socket
	case "RemoteAddr":
		address = r.remote
	default:
		panic("the variable " + c.MatchVariable)
	}
	if slices.Equal(c.Transforms, []string{"UrlDecode"}) {
		text = decode(text)
	}
	return c.NegateCondition != slices.ContainsFunc(c.MatchValue, func(v string) bool {
		switch c.Operator {
		case "Equal":
			return v == text
		case "RegEx":
			return matches(v, text)
		case "IPMatch":
			return netip.MustParsePrefix(v).Contains(address)
		}
		panic("the operator " + c.Operator)
	})
}

// webACL is the written web ACL of AWS WAF, read as its documentation says.
type webACL struct {
	Resources map[string]struct {
		Type       string
		Properties struct {
			Addresses []string
			Rules     []struct {
				Action    map[string]any
				Statement map[string]any
			}
		}
	}
}

func (w *webACL) refuses(r *request) bool {
	for _, rule := range w.Resources["WebACL"].Properties.Rules {
		if _, blocks := rule.Action["Block"]; blocks && w.holds(rule.Statement, r) {
			return true
		}
	}
	return false
}

func (w *webACL) holds(statement map[string]any, r *request) bool {
	if len(statement) != 1 {
		panic("a statement has one member")
	}
	for kind, v := range statement {
		inner := v.(map[string]any)
		list, _ := inner["Statements"].([]any)
		if list != nil && len(list) < 2 {
			panic("a list of statements has two at least")
		}
		each := func(s any) bool { return w.holds(s.(map[string]any), r) }
		switch kind {
		case "NotStatement":
			return !each(inner["Statement"])
		case "OrStatement":
			return slices.ContainsFunc(list, each)
		case "AndStatement":
			return !slices.ContainsFunc(list, func(s any) bool { return !each(s) })
		case "ByteMatchStatement":
			return inner["SearchString"] == w.field(inner, r)
		case "RegexMatchStatement":
			return matches(inner["RegexString"].(string), w.field(inner, r))
		case "IPSetReferenceStatement":
			set := inner["Arn"].(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
			return slices.ContainsFunc(w.Resources[set].Properties.Addresses, func(p string) bool { return netip.MustParsePrefix(p).Contains(r.socket) })
		}
		panic("the statement " + kind)
	}
	return false
}

func (w *webACL) field(statement map[string]any, r *request) string {
	text := ""
	field := statement["FieldToMatch"].(map[string]any)
	switch {
	case field["Method"] != nil:
		text = r.method
	case field["UriPath"] != nil:
		text = r.path()
	case field["SingleHeader"] != nil:
		text = r.length
	default:
		panic("the field is unknown")
	}
	for _, t := range statement["TextTransformations"].([]any) {
		if t.(map[string]any)["Type"] == "URL_DECODE" {
			text = decode(text)
		}
	}
	return text
}

func unmarshal[T any](t *testing.T, content []byte) *T {
	t.Helper()
	v := new(T)
	if err := json.Unmarshal(content, v, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	return v
}
