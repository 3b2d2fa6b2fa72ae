package importer

import (
	"cmp"
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/config"
)

// nowhere is the URL of a backend that nothing is known of: its domain does not
// exist (RFC 2606, section 2).
const nowhere = "https://unknown.invalid"

// backend drafts a backend, or a pool.
func (g *drafting) backend(b *contract[backendProperties]) {
	p := &b.Properties
	place, name := placed("backend", b.Name), g.backendOf[b.Name]
	g.renamed(place, b.Name, name, "backend-id")
	if strings.EqualFold(p.Type, "Pool") && p.Pool != nil {
		out := object{}.with("title", literal(p.Title)).with("pool", g.members(place, p.Pool))
		if len(out) == 0 || out[len(out)-1].key != "pool" {
			g.remark(place, "it is a pool without members that can be called: requests go to %s until pool says otherwise", nowhere)
			out = append(out, field{"url", nowhere})
		}
		g.backends = append(g.backends, field{name, out})
		return
	}
	base, queries := g.address(place, p.URL)
	out := object{}.with("title", literal(p.Title)).with("url", base).with("credentials", g.credentials(place, p.Credentials, queries))
	g.backends = append(g.backends, field{name, out.with("circuitBreaker", g.breaker(place, p.CircuitBreaker))})
	if strings.EqualFold(p.Protocol, "soap") {
		g.remark(place, "it speaks SOAP: its operations are no tools")
	}
	if t := p.TLS; t != nil && (isFalse(t.ValidateCertificateChain) || isFalse(t.ValidateCertificateName)) {
		g.remark(place, "its certificate is not checked there, and is checked here, chain and name: it needs one that holds")
	}
	if p.Proxy != nil {
		g.remark(place, "it is reached by a proxy there, and directly here")
	}
}

func isFalse(b *bool) bool { return b != nil && !*b }

// address is a URL as that of a backend, and the parameters of its query, which
// become credentials.
func (g *drafting) address(place, text string) (base string, queries inline) {
	base, query, _ := strings.Cut(text, "?")
	base = strings.TrimRight(base, "/")
	queries = g.parameters(place, query)
	whole, secret := g.resolved(base)
	switch {
	case secret != "":
		g.remark(place, "its URL %q refers to the named value %s, which is a secret here, and no URL can hold one: requests go to %s until url says otherwise", base, secret, nowhere)
		return nowhere, queries
	case !config.ValidURL(whole, false):
		g.remark(place, "its URL %q is none that can be called: requests go to %s until url says otherwise", base, nowhere)
		return nowhere, queries
	}
	return base, queries
}

// resolved is a text with the named values that it refers to, and the name of the
// first that is a secret, or that is not declared; empty for none.
func (g *drafting) resolved(text string) (whole, secret string) {
	whole = config.ValueReference().ReplaceAllStringFunc(text, func(reference string) string {
		name := strings.Trim(reference, "{}")
		for _, f := range g.draft.namedValues {
			if value, isText := f.value.(string); f.key == name && isText {
				return value
			}
		}
		secret = cmp.Or(secret, name)
		return reference
	})
	return whole, secret
}

// members are the members of a pool.
func (g *drafting) members(place string, p *pool) (out []any) {
	seen := map[string]bool{}
	for _, s := range p.Services {
		name := g.backendOf[last(s.ID)]
		switch {
		case name == "" || seen[name] || g.isPool(last(s.ID)):
			g.remark(place, "its member %q is left out: the service has no such backend, it is a pool, or it is a member already", last(s.ID))
			continue
		case s.Weight != nil && *s.Weight == 0 && len(p.Services) > 1:
			g.remark(place, "its member %q is left out: its weight is 0", last(s.ID))
			continue
		}
		seen[name] = true
		one := inline{{"backend", name}}
		if s.Priority != nil {
			one = append(one, field{"priority", min(max(*s.Priority, 0), 100)})
		}
		if s.Weight != nil {
			one = append(one, field{"weight", min(max(*s.Weight, 1), 100)})
		}
		out = append(out, one)
	}
	return out
}

// isPool tells whether a backend of the service is a pool.
func (g *drafting) isPool(id string) bool {
	return slices.ContainsFunc(g.from.backends, func(b contract[backendProperties]) bool {
		return b.Name == id && strings.EqualFold(b.Properties.Type, "Pool") && b.Properties.Pool != nil
	})
}

// Bounds of durations in gateway.yaml.
const (
	shortest = 100 * time.Millisecond
	longest  = time.Hour
)

// breaker is the first rule of a circuit breaker.
func (g *drafting) breaker(place string, c *circuitBreaker) object {
	if c == nil || len(c.Rules) == 0 {
		return nil
	}
	if len(c.Rules) > 1 {
		g.remark(place, "its circuit breaker has %d rules there, and the first one here", len(c.Rules))
	}
	r := c.Rules[0]
	f := &r.FailureCondition
	if f.Count <= 0 {
		g.remark(place, "its circuit breaker is left out: it counts a share of the calls, %d %%, and breakers here count failures", f.Percentage)
		return nil
	}
	interval, err1 := g.duration(place, f.Interval)
	trip, err2 := g.duration(place, r.TripDuration)
	if err := errors.Join(err1, err2); err != nil {
		g.remark(place, "its circuit breaker is left out: %v", err)
		return nil
	}
	out := object{{"failures", min(f.Count, 10_000)}, {"interval", interval}, {"tripDuration", trip}}
	var codes []any
	for _, s := range f.StatusCodeRanges {
		low, high := max(s.Min, 200), min(s.Max, 599)
		switch {
		case low > high:
			g.remark(place, "the status codes %d to %d of its circuit breaker are left out", s.Min, s.Max)
		case low == high:
			codes = append(codes, strconv.Itoa(low))
		default:
			codes = append(codes, strconv.Itoa(low)+"-"+strconv.Itoa(high))
		}
	}
	if len(f.ErrorReasons) > 0 {
		g.remark(place, "the error reasons of its circuit breaker (%s) are not told apart: a backend that cannot be reached fails", strings.Join(f.ErrorReasons, ", "))
	}
	if out = out.with("statusCodes", codes); r.AcceptRetryAfter {
		out = append(out, field{"acceptRetryAfter", true})
	}
	return out
}

// isoDuration is a duration of ISO 8601 without years and months.
var isoDuration = regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)

// duration is a duration of ISO 8601 as gateway.yaml has it.
func (g *drafting) duration(place, text string) (string, error) {
	m := isoDuration.FindStringSubmatch(text)
	if m == nil || text == "P" {
		return "", errors.New(strconv.Quote(text) + " is no duration")
	}
	var seconds float64
	for i, unit := range []float64{86400, 3600, 60, 1} {
		n, err := strconv.ParseFloat("0"+m[i+1], 64)
		if err != nil {
			return "", errors.New(strconv.Quote(text) + " is no duration")
		}
		seconds += n * unit
	}
	d := longest
	if seconds < longest.Seconds() {
		d = time.Duration(math.Round(seconds*1000)) * time.Millisecond
	}
	if d = max(d, shortest); d.Seconds() != seconds {
		g.remark(place, "the duration %s is %v here: they are from %v to %v", text, d, shortest, longest)
	}
	return d.String(), nil
}
