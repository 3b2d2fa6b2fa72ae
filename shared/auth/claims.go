package auth

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// claims are the payload of a token.
type claims map[string]jsontext.Value

// text is a claim that is one string; empty when it is not there or not a string.
func (c claims) text(name string) string {
	if c[name].Kind() != '"' {
		return ""
	}
	return unquoted(c[name])
}

// unquoted is the text of a JSON string.
func unquoted(v jsontext.Value) string {
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	s, err := jsontext.AppendUnquote(nil, v)
	if err != nil { // cannot be: it was parsed
		return ""
	}
	return string(s)
}

// texts are the values of a claim: the items of an array, otherwise one. Strings
// stand for themselves, other values for their JSON text, and null for nothing.
func texts(v jsontext.Value) []string {
	switch v.Kind() {
	case 'n', jsontext.KindInvalid:
		return nil
	case '"':
		return []string{unquoted(v)}
	case '[':
		var items []jsontext.Value
		if err := json.Unmarshal(v, &items); err != nil { // cannot be: it was parsed
			return nil
		}
		var list []string
		for _, item := range items {
			if item.Kind() == '[' {
				list = append(list, string(item))
				continue
			}
			list = append(list, texts(item)...)
		}
		return list
	}
	return []string{string(v)}
}

// seconds reads a NumericDate (RFC 7519, 2).
func (c claims) seconds(name string) (seconds float64, present bool, err error) {
	v, present := c[name]
	if !present {
		return 0, false, nil
	}
	if v.Kind() != '0' {
		return 0, true, invalid(name+" is not a number", nil)
	}
	seconds, err = strconv.ParseFloat(string(v), 64)
	if err != nil {
		return 0, true, invalid(name+" is not a time", err)
	}
	return seconds, true, nil
}

// unix is a time as a NumericDate.
func unix(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// checkLifetime checks exp and nbf (RFC 7519, 4.1.4 and 4.1.5).
func (c claims) checkLifetime(r *Rules, now time.Time) error {
	skew, at := max(r.ClockSkew, 0).Seconds(), unix(now)
	exp, present, err := c.seconds("exp")
	if err != nil {
		return err
	}
	if !present && r.RequireExpiration {
		return invalid("it has no exp", nil)
	}
	if present && at >= exp+skew {
		return &Error{Kind: TokenExpired, Err: fmt.Errorf("exp is %s, and it is %d", c["exp"], now.Unix())}
	}
	nbf, present, err := c.seconds("nbf")
	if err != nil {
		return err
	}
	if present && at < nbf-skew {
		return invalid("it is not valid yet", fmt.Errorf("nbf is %s, and it is %d", c["nbf"], now.Unix()))
	}
	return nil
}

// audiences are the values of aud, which is a string or an array of strings (RFC
// 7519, 4.1.3). What is neither is no audience: its JSON text may read like one.
func (c claims) audiences() []string {
	if c["aud"].Kind() != '[' {
		return []string{c.text("aud")}
	}
	var items []jsontext.Value
	if err := json.Unmarshal(c["aud"], &items); err != nil { // cannot be: it was parsed
		return nil
	}
	var list []string
	for _, item := range items {
		if item.Kind() == '"' {
			list = append(list, unquoted(item))
		}
	}
	return list
}

// checkAudience checks aud.
func (c claims) checkAudience(r *Rules) error {
	if r.Audiences == nil && (r.Entra == nil || r.Entra.BackendIDs == nil) {
		return nil
	}
	for _, aud := range c.audiences() {
		if aud != "" && (slices.Contains(r.Audiences, aud) || r.Entra.backend(aud)) {
			return nil
		}
	}
	return &Error{Kind: TokenAudienceNotAllowed, Err: fmt.Errorf("aud is %s", show(c["aud"]))}
}

// checkIssuer checks iss against the rules and the providers that vouch for the
// key.
func (c claims) checkIssuer(r *Rules, trusted []voucher) error {
	if r.Issuers == nil && len(r.OpenIDConfigs) == 0 && len(r.Authorities) == 0 && r.Entra == nil {
		return nil
	}
	if c.issuedAs(r, trusted) {
		return nil
	}
	return &Error{Kind: TokenIssuerNotAllowed, Err: fmt.Errorf("iss is %s", show(c["iss"]))}
}

// issuedAs reports whether iss is one of the rules or of the vouchers.
func (c claims) issuedAs(r *Rules, trusted []voucher) bool {
	iss := c.text("iss")
	if iss == "" {
		return false
	}
	if r.Entra == nil && slices.Contains(r.Issuers, iss) {
		return true
	}
	return slices.ContainsFunc(trusted, func(w voucher) bool { return w.allows(c, r.Entra) })
}

// checkRequired checks the claims that the rules want.
func (c claims) checkRequired(required []Claim) error {
	for _, want := range required {
		has := texts(c[want.Name])
		if has == nil {
			return &Error{Kind: TokenClaimNotFound, Claim: want.Name}
		}
		if want.Separator != "" {
			var parts []string
			for _, text := range has {
				parts = append(parts, strings.Split(text, want.Separator)...)
			}
			has = parts
		}
		if !want.satisfied(has) {
			return &Error{Kind: TokenClaimValueNotAllowed, Claim: want.Name, Value: strings.Join(has, ",")}
		}
	}
	return nil
}

// satisfied reports whether the values of a claim are what is wanted.
func (w *Claim) satisfied(has []string) bool {
	if len(w.Values) == 0 {
		return true
	}
	in := func(value string) bool { return slices.Contains(has, value) }
	if w.All {
		return !slices.ContainsFunc(w.Values, func(value string) bool { return !in(value) })
	}
	return slices.ContainsFunc(w.Values, in)
}

// show is a claim for the log, at most 200 bytes of it.
func show(v jsontext.Value) string {
	if v == nil {
		return "missing"
	}
	if len(v) > 200 {
		return string(v[:200]) + "…"
	}
	return string(v)
}
