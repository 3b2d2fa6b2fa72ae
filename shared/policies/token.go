package policies

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// What the policies that validate tokens have in common: where the token is,
// what it must have, and how a request without it is refused.

// tokenSource says where the token of a request is.
type tokenSource struct {
	HeaderName         policy.Value[string] `attr:"header-name"`
	QueryParameterName policy.Value[string] `attr:"query-parameter-name"`
	TokenValue         policy.Value[string] `attr:"token-value"`

	header string // of a literal name, in canonical form
}

func (s *tokenSource) prepare() {
	if name, ok := s.HeaderName.Literal(); ok {
		s.header = http.CanonicalHeaderKey(strings.TrimSpace(name))
	}
}

// token is the token of the request, empty when there is none; several stand
// between commas, which no token has. A header may have
// a scheme before it: the one that is given, or Bearer. In the Authorization
// header one that is given must be there.
func (s *tokenSource) token(e *evaluation, scheme string) string {
	switch {
	case s.TokenValue.IsSet():
		return strings.TrimSpace(evaluate(e, &s.TokenValue))
	case s.QueryParameterName.IsSet():
		return queryToken(e.x.Request.URL, evaluate(e, &s.QueryParameterName))
	}
	name := s.header
	if name == "" {
		name = http.CanonicalHeaderKey(strings.TrimSpace(evaluate(e, &s.HeaderName)))
	}
	value := strings.TrimSpace(strings.Join(e.x.Request.Headers[name], ","))
	found, token, ok := strings.Cut(value, " ")
	if ok && strings.EqualFold(found, cmp.Or(scheme, "Bearer")) {
		return strings.TrimSpace(token)
	}
	if scheme != "" && name == "Authorization" {
		return ""
	}
	return value
}

// queryToken is the value of a query parameter, or several values between
// commas.
func queryToken(u *url.URL, name string) string {
	if u == nil || u.RawQuery == "" {
		return ""
	}
	var values []string
	for _, pair := range queryPairs(u.RawQuery) {
		if strings.EqualFold(pair.name, name) {
			values = append(values, valueOf(pair.raw))
		}
	}
	return strings.Join(values, ",")
}

// tokenOutcome says what becomes of a request with its token.
type tokenOutcome struct {
	Status   policy.Value[int]    `attr:"failed-validation-httpcode"`
	Message  policy.Value[string] `attr:"failed-validation-error-message"`
	Variable string               `attr:"output-token-variable-name"`

	source string // the policy
	tokens policy.Tokens
}

func (o *tokenOutcome) prepare(c *policy.Compilation) {
	o.source, o.tokens = c.Element.Name, c.Services.Tokens
	if o.tokens == nil {
		c.Fault(c.Element.At, "remove it", "%s is not run by this gateway: it validates no tokens", o.source)
	}
}

// validate validates a token and keeps it in the variable.
func (o *tokenOutcome) validate(ctx context.Context, x *policy.Exchange, token string, r *policy.TokenRules) error {
	var failure *policy.TokenFailure
	signed := token
	switch {
	case token == "":
		failure = &policy.TokenFailure{Reason: policy.ReasonTokenNotPresent}
	case strings.Contains(token, ","):
		// Of several none is more the client's than another.
		failure = &policy.TokenFailure{Reason: policy.ReasonJWTInvalid, Value: "there is more than one"}
	default:
		if o.Variable != "" && len(r.DecryptionKeys) > 0 {
			rules := *r // which calls share
			rules.Decrypted = func(inside string) { signed = inside }
			r = &rules
		}
		failure = o.tokens.Validate(ctx, token, r)
	}
	if failure != nil {
		return o.refuse(x, failure)
	}
	if o.Variable != "" {
		x.SetVariable(o.Variable, expr.ParseJwt(signed))
	}
	if shown := x.Request.Headers["Authorization"]; len(shown) == 1 && strings.HasSuffix(shown[0], " "+token) {
		x.Subject = token
	}
	return nil
}

// refuse is the error for a token that is not valid.
func (o *tokenOutcome) refuse(x *policy.Exchange, f *policy.TokenFailure) error {
	var arguments []any
	switch f.Reason {
	case policy.ReasonTokenClaimNotFound:
		arguments = []any{f.Claim}
	case policy.ReasonTokenClaimValueNotAllowed:
		arguments = []any{f.Claim, f.Value}
	case policy.ReasonJWTInvalid:
		arguments = []any{cmp.Or(f.Value, "it cannot be read.")}
	}
	refused := policy.NewError(o.source, f.Reason, arguments...)
	refused.Cause = f.Err
	e := evaluation{x: x}
	status, message := evaluate(&e, &o.Status), evaluate(&e, &o.Message)
	if e.err != nil {
		return e.err
	}
	refused.Status = cmp.Or(status, refused.Status)
	if message != "" { // the log still has the reason in words
		refused.Cause = errors.New(refused.Message)
		if f.Err != nil {
			refused.Cause = fmt.Errorf("%s: %w", strings.TrimSuffix(refused.Message, "."), f.Err)
		}
		refused.Message, refused.Public = message, true
	}
	return refused
}

// requiredClaim is a claim that a token must have.
type requiredClaim struct {
	Name      policy.Value[string]   `attr:"name,required"`
	Match     policy.Value[string]   `attr:"match"`
	Separator policy.Value[string]   `attr:"separator"`
	Values    []policy.Value[string] `elements:"value"`
}

// requiredClaims are the claims for the rules. A value that an expression left
// empty stays one that the token must have: a condition that was not computed is
// not a condition less.
func requiredClaims(e *evaluation, claims []requiredClaim) []policy.TokenClaim {
	var list []policy.TokenClaim
	for i := range claims {
		c := &claims[i]
		claim := policy.TokenClaim{Name: evaluate(e, &c.Name), All: evaluate(e, &c.Match) != "any", Separator: evaluate(e, &c.Separator)}
		for n := range c.Values {
			claim.Values = append(claim.Values, evaluate(e, &c.Values[n]))
		}
		list = append(list, claim)
	}
	return list
}

// tokenKey is a key of the document: a secret in base64, a certificate of the
// configuration, or the modulus and exponent of an RSA key.
type tokenKey struct {
	ID            string               `attr:"id"`
	CertificateID string               `attr:"certificate-id"`
	N             string               `attr:"n"`
	E             string               `attr:"e"`
	Secret        policy.Value[string] `text:""`

	fixed *policy.TokenKey // nil when the secret is an expression
}

// prepareKeys reads the keys that are no expressions.
func prepareKeys(c *policy.Compilation, keys []tokenKey) {
	for i := range keys {
		k := &keys[i]
		var err error
		switch secret, literal := k.Secret.Literal(); {
		case literal:
			k.fixed, err = secretKey(k.ID, secret)
		case k.Secret.IsSet():
		case k.CertificateID != "":
			var found *policy.Certificate
			if found, err = namedCertificate(c.Services, k.CertificateID, ""); err == nil {
				k.fixed = &policy.TokenKey{ID: k.ID, Certificate: found}
			}
		case k.N != "" && k.E != "":
			k.fixed = &policy.TokenKey{ID: k.ID, N: k.N, E: k.E}
		default:
			err = errors.New("a key is empty")
		}
		if err != nil {
			c.Fault(c.Element.At, "write a secret in base64, certificate-id, or n and e", "%v", err)
		}
	}
}

// tokenKeys are the keys for the rules.
func tokenKeys(e *evaluation, keys []tokenKey) []policy.TokenKey {
	var list []policy.TokenKey
	for i := range keys {
		k := &keys[i]
		key := k.fixed
		if key == nil {
			text := evaluate(e, &k.Secret)
			if e.x == nil || e.err != nil {
				continue
			}
			if key, e.err = secretKey(k.ID, text); e.err != nil {
				continue
			}
		}
		list = append(list, *key)
	}
	return list
}

// secretKey reads a secret in base64, of either alphabet, padded or not.
func secretKey(id, text string) (*policy.TokenKey, error) {
	plain := strings.NewReplacer("-", "+", "_", "/", "=", "", " ", "", "\n", "", "\r", "", "\t", "").Replace(text)
	secret, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("a key is no base64") // what it is instead is a secret
	}
	return &policy.TokenKey{ID: id, Secret: secret}, nil
}
