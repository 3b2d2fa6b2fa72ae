package policies

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/policy"
)

func init() { registered["cors"] = func() policy.Statement { return &cors{} } }

// cors answers preflight requests and lets pages of other origins read
// responses (https://fetch.spec.whatwg.org/#http-cors-protocol). The first
// policy that knows the origin counts. A preflight request never reaches the
// other policies when the policy stands directly in inbound, and an operation of
// the API with the method OPTIONS answers it instead when there is one.
type cors struct {
	Credentials policy.Value[bool]     `attr:"allow-credentials"`
	Terminate   policy.Value[bool]     `attr:"terminate-unmatched-request"`
	Origins     []policy.Value[string] `elements:"allowed-origins/origin"`
	Methods     *struct {
		MaxAge  policy.Value[time.Duration] `attr:"preflight-result-max-age"`
		Methods []policy.Value[string]      `elements:"method"`
	} `element:"allowed-methods"`
	Headers []policy.Value[string] `elements:"allowed-headers/header"`
	Expose  []policy.Value[string] `elements:"expose-headers/header"`

	origins map[string]bool // literal ones, as originOf writes them
	any     bool            // * is among them
}

// corsApplied is what an exchange keeps when a policy knew the origin.
type corsApplied struct{}

func (p *cors) Prepare(*policy.Compilation) {
	p.origins = map[string]bool{}
	p.Origins = slices.DeleteFunc(p.Origins, func(v policy.Value[string]) bool {
		text, literal := v.Literal()
		if literal {
			p.origins[originOf(text)] = true
		}
		return literal
	})
	p.any = p.origins["*"]
}

// originOf is an origin in lower case, without the default port of its scheme
// and without a slash at the end.
func originOf(text string) string {
	text = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "/"))
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	if u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443" {
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	return u.Scheme + "://" + u.Host
}

func (p *cors) Apply(ctx context.Context, x *policy.Exchange) error {
	origin := x.Request.Headers.Get("Origin")
	if origin == "" || x.Kept(corsApplied{}) != nil {
		return nil
	}
	if x.IsPreflight() {
		return p.Preflight(ctx, x)
	}
	matches, err := p.matches(x, origin)
	if err != nil {
		return err
	}
	if matches {
		return p.allow(x, origin)
	}
	if x.Request.Method != http.MethodGet && x.Request.Method != http.MethodHead {
		return nil
	}
	return p.unmatched(x)
}

// Preflight answers a preflight request.
func (p *cors) Preflight(_ context.Context, x *policy.Exchange) error {
	origin := x.Request.Headers.Get("Origin")
	matches, err := p.matches(x, origin)
	if err != nil {
		return err
	}
	var methods, headers string
	if matches {
		if methods, headers, err = p.asked(x); err != nil {
			return err
		}
	}
	if methods == "" {
		return p.unmatched(x)
	}
	if err := p.allow(x, origin); err != nil {
		return err
	}
	x.SetResponseHeader("Access-Control-Allow-Methods", methods)
	if headers != "" {
		x.SetResponseHeader("Access-Control-Allow-Headers", headers)
	}
	if p.Methods != nil {
		age, err := p.Methods.MaxAge.Get(x)
		if err != nil {
			return err
		}
		if age > 0 {
			x.SetResponseHeader("Access-Control-Max-Age", strconv.FormatInt(int64(age/time.Second), 10))
		}
	}
	x.NewResponse(http.StatusOK)
	return policy.Returned
}

// unmatched ends a request that the policy does not know with an empty
// response, or leaves it to others.
func (p *cors) unmatched(x *policy.Exchange) error {
	terminate, err := p.Terminate.Get(x)
	if err != nil || !terminate {
		return err
	}
	x.VaryBy("Origin")
	x.NewResponse(http.StatusOK)
	return policy.Returned
}

func (p *cors) matches(x *policy.Exchange, origin string) (bool, error) {
	origin = originOf(origin)
	if p.any || p.origins[origin] {
		return true, nil
	}
	for i := range p.Origins {
		allowed, err := p.Origins[i].Get(x)
		if err != nil {
			return false, err
		}
		if allowed = originOf(allowed); allowed == "*" || allowed == origin {
			return true, nil
		}
	}
	return false, nil
}

// asked are the methods and headers that are allowed; no methods when the
// request asks for more.
func (p *cors) asked(x *policy.Exchange) (methods, headers string, err error) {
	allowed := []string{http.MethodGet, http.MethodPost}
	if p.Methods != nil {
		if allowed, err = texts(x, p.Methods.Methods); err != nil {
			return "", "", err
		}
	}
	method := strings.TrimSpace(x.Request.Headers.Get("Access-Control-Request-Method"))
	switch {
	case slices.Contains(allowed, "*"):
		methods = method
	case slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, method) }):
		methods = strings.Join(allowed, ", ")
	default:
		return "", "", nil
	}
	names, err := texts(x, p.Headers)
	if err != nil {
		return "", "", err
	}
	asked := strings.Join(x.Request.Headers["Access-Control-Request-Headers"], ",")
	if slices.Contains(names, "*") {
		return methods, asked, nil
	}
	for name := range strings.SplitSeq(asked, ",") {
		name = strings.TrimSpace(name)
		if name != "" && !slices.ContainsFunc(names, func(a string) bool { return strings.EqualFold(a, name) }) {
			return "", "", nil
		}
	}
	return methods, strings.Join(names, ", "), nil
}

// allow lets an origin read the response. With credentials, or with some
// origins only, the response depends on the origin.
func (p *cors) allow(x *policy.Exchange, origin string) error {
	credentials, err := p.Credentials.Get(x)
	if err != nil {
		return err
	}
	expose, err := texts(x, p.Expose)
	if err != nil {
		return err
	}
	x.Keep(corsApplied{}, true)
	if p.any && !credentials {
		origin = "*"
	} else {
		x.VaryBy("Origin")
	}
	x.SetResponseHeader("Access-Control-Allow-Origin", origin)
	if credentials {
		x.SetResponseHeader("Access-Control-Allow-Credentials", "true")
	}
	if len(expose) > 0 && !x.IsPreflight() {
		x.SetResponseHeader("Access-Control-Expose-Headers", strings.Join(expose, ", "))
	}
	return nil
}

// texts are the values of several elements, without those that are empty.
func texts(x *policy.Exchange, values []policy.Value[string]) ([]string, error) {
	list := make([]string, 0, len(values))
	for i := range values {
		text, err := values[i].Get(x)
		if err != nil {
			return nil, err
		}
		if text = oneLine(strings.TrimSpace(text)); text != "" {
			list = append(list, text)
		}
	}
	return list, nil
}
