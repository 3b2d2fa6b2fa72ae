package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"net/http"
	"slices"
	"strings"

	"toolgate/shared/mcp"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// identity is what tells callers apart, as the request was before policies saw it.
type identity struct {
	subscription, user string   // ids; empty for none
	digest             [32]byte // of all that identifies the caller
}

type identityKey struct{}

// withIdentity keeps who calls in the context of a request to a gateway that keeps
// results or lists, or that has rules for who may use what. Policies take credentials out of
// requests, so it is read before.
func (x *exchange) withIdentity(ctx context.Context) context.Context {
	ctx = x.withApplicant(x.withVisitor(ctx))
	if !x.gateway.caches {
		return ctx
	}
	id := &identity{}
	if s := x.caller.subscription; s != nil {
		id.subscription = s.ID
	}
	if u := x.caller.user; u != nil {
		id.user = u.ID
	}
	f := newFields("caller")
	f.add(id.subscription, id.user, x.r.URL.RawQuery)
	f.headers(x.r.Header, identifies)
	if x.r.TLS != nil && len(x.r.TLS.PeerCertificates) > 0 {
		f.add(string(x.r.TLS.PeerCertificates[0].Raw))
	}
	f.sum(&id.digest)
	return context.WithValue(ctx, identityKey{}, id)
}

// speaksOfCaller are parts of names of headers that may say who calls. A name that
// is taken for one of them in vain costs a call that is made once more; one that
// is missed would show a caller the results of another.
var speaksOfCaller = []string{
	"auth", "token", "key", "secret", "credential", "password", "cookie", "session", "signature", "jwt", "assertion", "oidc", "saml",
	"user", "identity", "principal", "subject", "email", "account", "tenant", "subscription", "customer", "client", "cert", "on-behalf", "impersonat", "delegat", "role", "group", "claim",
}

// ofConnection are headers whose names say more than they do: of the program that
// calls, and of the connection, which platforms add.
var ofConnection = map[string]bool{
	"User-Agent": true, "Client-Ip": true, "X-Client-Ip": true, "X-Client-Port": true, "X-Azure-Clientip": true, "X-Azure-Socketip": true,
	"X-Client-Request-Id": true, "X-Ms-Client-Request-Id": true,
}

func identifies(name string) bool {
	if ofConnection[name] {
		return false
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc(speaksOfCaller, func(part string) bool { return strings.Contains(name, part) })
}

// ofCall are headers that only name a call, for traces and logs.
var ofCall = map[string]bool{
	"Traceparent": true, "Tracestate": true, "Baggage": true, "Request-Id": true, "X-Request-Id": true, "X-Correlation-Id": true, "X-Ms-Client-Request-Id": true,
}

// key is what the result of a call depends on. It reports false for a call whose
// result depends on more than can be known.
func (s *cached) key(ctx context.Context, req *mcp.Request) (string, bool) {
	id, known := ctx.Value(identityKey{}).(*identity)
	if !known {
		return "", false
	}
	f := newFields("tool")
	f.add(s.build, s.name, req.Text(req.Name), string(req.Version))
	if !f.params(req, !s.settings.Public) {
		return "", false
	}
	f.headers(req.Header, func(name string) bool { return strings.HasPrefix(name, mcp.HeaderParamPrefix) })
	f.headers(req.Header, func(name string) bool { return slices.Contains(s.settings.Headers, name) })
	f.policies(exchangeOf(ctx))
	switch {
	case !s.settings.Public:
		f.add("private", string(id.digest[:]))
	case s.settings.Subscription:
		f.add("subscription", id.subscription, id.user)
	default:
		f.add("public")
	}
	var sum [32]byte
	f.sum(&sum)
	return "tool " + string(sum[:]), true
}

// fields is a hash over texts, each behind its length, so that no two lists of
// texts run together to the same bytes.
type fields struct{ hash.Hash }

func newFields(kind string) fields {
	f := fields{sha256.New()}
	f.add(kind)
	return f
}

func (f fields) add(texts ...string) {
	f.count(len(texts))
	for _, t := range texts {
		f.count(len(t))
		f.Write([]byte(t))
	}
}

func (f fields) count(n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n)) //nolint:gosec // a length
	f.Write(b[:])
}

func (f fields) sum(to *[32]byte) { f.Sum(to[:0]) }

// headers adds the headers whose canonical names are wanted, all values of each in
// order. One that is there without a value is not one that is absent.
func (f fields) headers(h http.Header, wanted func(name string) bool) {
	var names []string
	for name := range h {
		if wanted(http.CanonicalHeaderKey(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	f.count(len(names))
	for _, name := range names {
		f.add(http.CanonicalHeaderKey(name))
		f.add(h[name]...)
	}
}

// params adds the parameters of a call. It reports false where there are some that
// are more than a question: a task to begin, or the answer to a request for input.
func (f fields) params(req *mcp.Request, private bool) bool {
	params := req.Bytes(req.Params)
	plain := true
	err := mcp.EachMember(params, func(m mcp.Member) error {
		switch m.Name {
		case "name", "arguments", "_meta":
		default:
			plain = false
		}
		return nil
	})
	if err != nil || !plain {
		return false
	}
	return f.json(req.Bytes(req.Arguments)) && f.meta(req, private)
}

// meta adds what the _meta of a call says to the server behind: what the client can
// do, and, for results of one caller, whatever clients put there. What names the
// call, and where its progress goes, does not count.
func (f fields) meta(req *mcp.Request, private bool) bool {
	if !f.json(req.Bytes(req.Meta.ClientCapabilities)) {
		return false
	}
	meta := req.Bytes(req.Meta.Span)
	if meta == nil || !private {
		return true
	}
	others := map[string]jsontext.Value{}
	err := mcp.EachMember(meta, func(m mcp.Member) error {
		if !ownMeta[m.Name] {
			others[m.Name] = meta[m.Value.Start:m.Value.End]
		}
		return nil
	})
	ok := err == nil
	for _, name := range slices.Sorted(maps.Keys(others)) {
		f.add(name)
		ok = f.json(others[name]) && ok
	}
	return ok
}

// ownMeta are members of _meta on which no result depends, or that count by
// themselves.
var ownMeta = map[string]bool{
	mcp.MetaProtocolVersion: true, mcp.MetaClientCapabilities: true, mcp.MetaClientInfo: true, mcp.MetaLogLevel: true,
	mcp.MetaProgressToken: true, mcp.MetaSubscriptionID: true, "traceparent": true, "tracestate": true, "baggage": true,
}

// json adds a JSON value with its members in order and without space. The text of
// numbers stays: what a server makes of 1 and of 1.0 is its own affair.
func (f fields) json(raw jsontext.Value) bool {
	if raw == nil {
		f.add()
		return true
	}
	v := slices.Clone(raw)
	err := v.Format(
		jsontext.ReorderRawObjects(true), jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false),
		jsontext.PreserveRawStrings(false), jsontext.Multiline(false), jsontext.SpaceAfterColon(false), jsontext.SpaceAfterComma(false),
	)
	f.add(string(v))
	return err == nil
}

// policies adds what the policies of the server do to what is behind it: the
// product under which those of the API run, and the headers that they set.
func (f fields) policies(x *policy.Exchange) {
	if x == nil {
		return
	}
	product := ""
	if x.Product != nil {
		product = x.Product.ID
	}
	names := slices.Clone(x.ChangedHeaders())
	slices.Sort(names)
	f.add("policies", product)
	for _, name := range slices.Compact(names) {
		if !ofCall[name] {
			f.add(name)
			f.add(x.Request.Headers[name]...)
		}
	}
}
