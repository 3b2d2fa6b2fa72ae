// Package edge says what of a configuration can be refused before the gateway, by
// Azure Front Door or AWS WAF, so that refused calls are never billed, and writes it
// in their languages.
//
// The edge must never refuse what the gateway would let through. So whatever the edge
// cannot see as the gateway does is left to the gateway, and [Restrictions.Left] says
// what and why. The gateway looks at everything again.
package edge

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"toolgate/shared/snapshot"
)

// Target is what the restrictions are for.
type Target string

// The targets.
const (
	FrontDoor Target = "frontdoor"
	WAF       Target = "waf" // AWS WAF, on a distribution of CloudFront
)

// Restrictions are what can be refused at the edge.
type Restrictions struct {
	List []Restriction
	// Left is what is left to the gateway, a sentence each.
	Left []string
}

// Restriction refuses the requests of which all conditions hold.
type Restriction struct {
	Name       string // letters and digits
	Why        string
	Conditions []Condition
}

// Field is what of a request a condition looks at.
type Field int

// The fields.
const (
	Method        Field = iota
	Path                // as it stands in the request
	DecodedPath         // without percent encoding
	ContentLength       // the header
	Address             // of the client
)

// Condition holds where the field is one of the values, or is none of them.
type Condition struct {
	Field Field
	// Values are methods; of paths and the length they are regular expressions.
	Values  []string
	Ranges  []netip.Prefix // of Address
	Negated bool
}

// taken are the paths of the gateway itself, whatever the configuration: answers that
// clients look for, such as 404 for metadata that is not there, are the gateway's to
// give.
var taken = []string{"/.well-known/", "/healthz", "/approvals", "/catalog", "/connections", "/oauth", "/authorize", "/token", "/register", "/trace/", "/v0"}

// methods are those that some path of the gateway takes. GET and DELETE are among them
// for the 405 that clients of MCP expect of an endpoint without streams or sessions:
// a 403 in its place would end their connection.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions}

// Restrict finds out what can be refused at the edge.
func Restrict(s *snapshot.Snapshot, t Target) (*Restrictions, error) {
	w := &work{snapshot: s, target: t, out: &Restrictions{}}
	if u, err := url.Parse(s.PublicURL); err == nil {
		w.prefix = strings.TrimSuffix(u.Path, "/")
	}
	root := slices.ContainsFunc(s.APIs, func(a snapshot.SourceAPI) bool { return a.HasPath && a.Path == "" })
	if root {
		w.leave("paths and methods: an API is at the root, so every path may be one of its operations")
	} else {
		w.paths()
		w.methods()
	}
	chains, err := newChains(s)
	if err != nil {
		return nil, err
	}
	switch {
	case w.prefix != "":
		w.leave("addresses and sizes: publicUrl has the path %s, and which part of a path the gateway gets is not known", w.prefix)
	default:
		w.servers(chains)
	}
	w.leave("everything that needs a token, a subscription key, a counter, an argument or an expression: the edge knows none of them")
	return w.out, nil
}

type work struct {
	snapshot *snapshot.Snapshot
	target   Target
	prefix   string // the path of publicUrl
	out      *Restrictions
}

func (w *work) leave(format string, args ...any) {
	w.out.Left = append(w.out.Left, fmt.Sprintf(format, args...))
}

func (w *work) restrict(name, why string, conditions ...Condition) {
	w.out.List = append(w.out.List, Restriction{name, why, conditions})
}

// apiPaths are the paths of APIs that plain HTTP clients reach.
func (w *work) apiPaths() []string {
	var list []string
	for _, a := range w.snapshot.APIs {
		if a.HasPath {
			list = append(list, regexp.QuoteMeta("/"+a.Path))
		}
	}
	return list
}

// paths refuses what is not the gateway's. A path is let through where it has one of
// the gateway's anywhere in it: what lies between may take a part of it off.
func (w *work) paths() {
	var known []string
	for _, path := range taken {
		known = append(known, regexp.QuoteMeta(path))
	}
	for _, s := range w.snapshot.Servers {
		path := regexp.QuoteMeta("/" + s.Name)
		known = append(known, path+"/mcp")
		if s.LegacySSE {
			known = append(known, path+"/sse", path+"/messages")
		}
	}
	known = append(known, w.apiPaths()...)
	known = append(known, "^("+regexp.QuoteMeta(w.prefix)+")?/*$")
	w.restrict("UnknownPath", "the gateway has nothing there, and would answer 404", Condition{Field: DecodedPath, Values: known, Negated: true})
}

// methods refuses methods that no path takes. Those of APIs are the affair of their
// operations and policies.
func (w *work) methods() {
	conditions := []Condition{{Field: Method, Values: methods, Negated: true}}
	if apis := w.apiPaths(); apis != nil {
		conditions = append(conditions, Condition{Field: DecodedPath, Values: apis, Negated: true})
		w.leave("methods, sizes and addresses of requests to APIs: their policies may answer for themselves, and limits of bodies hold only where one is read")
	}
	w.restrict("UnknownMethod", "the gateway would answer 405", conditions...)
}

// servers refuses messages that are too large, and those from addresses that ip-filter
// keeps out.
func (w *work) servers(chains *chains) {
	var plain []string
	byRanges := map[string][]string{} // the names of servers by the ranges that they refuse
	ranges := map[string]ranges{}
	believes, why := w.addresses()
	for i := range w.snapshot.Servers {
		s := &w.snapshot.Servers[i]
		refused, simple, left := chains.server(s)
		for _, sentence := range left {
			w.leave("server %s: %s", s.Name, sentence)
		}
		if simple {
			plain = append(plain, s.Name)
		}
		if len(refused) > 0 {
			key := fmt.Sprint(refused)
			byRanges[key], ranges[key] = append(byRanges[key], s.Name), refused
		}
	}
	post := Condition{Field: Method, Values: []string{http.MethodPost}}
	if limit := w.snapshot.Limits.RequestBytes; len(plain) > 0 && limit > 0 {
		w.restrict("TooLarge", fmt.Sprintf("messages have at most %d bytes", limit), post, endpoints(plain), Condition{Field: ContentLength, Values: above(limit)})
	}
	if len(ranges) > 0 && !believes {
		w.leave("addresses: %s", why)
		return
	}
	for i, key := range slices.Sorted(maps.Keys(byRanges)) {
		condition, ok := ranges[key].condition()
		if !ok {
			w.leave("addresses of %s: the list is longer than the edge takes", strings.Join(byRanges[key], ", "))
			continue
		}
		w.restrict(fmt.Sprintf("Address%d", i+1), "ip-filter of "+strings.Join(byRanges[key], ", ")+" refuses them", post, endpoints(byRanges[key]), condition)
	}
}

// addresses tells whether the edge and the gateway know a client by the same address;
// if not, why.
func (w *work) addresses() (believes bool, why string) {
	told := w.snapshot.ClientAddress
	switch w.target {
	case FrontDoor:
		if told == nil || told.FrontDoor == "" {
			return false, "without clientAddress: { frontDoor: ID } the gateway has the address of Front Door for every client"
		}
	case WAF:
		if told == nil || told.Proxies != 1 || !strings.EqualFold(told.Header, "X-Forwarded-For") && !strings.EqualFold(told.Header, "CloudFront-Viewer-Address") {
			return false, "without clientAddress: { header: X-Forwarded-For, from: […] } and one proxy, which is CloudFront, the gateway has another address than AWS WAF"
		}
	}
	return true, ""
}

// endpoints holds for the endpoints of servers, exactly as the gateway knows them.
func endpoints(servers []string) Condition {
	c := Condition{Field: Path}
	for _, name := range servers {
		c.Values = append(c.Values, "^/"+regexp.QuoteMeta(name)+"/mcp/?$")
	}
	return c
}

// above are regular expressions for the decimal numbers above n.
func above(n int) []string {
	digits := fmt.Sprint(n)
	list := []string{fmt.Sprintf("^0*[1-9][0-9]{%d,}$", len(digits))}
	for i, d := range digits {
		if d == '9' {
			continue
		}
		rest := ""
		if more := len(digits) - i - 1; more > 0 {
			rest = fmt.Sprintf("[0-9]{%d}", more)
		}
		list = append(list, fmt.Sprintf("^0*%s[%c-9]%s$", digits[:i], d+1, rest))
	}
	return list
}
