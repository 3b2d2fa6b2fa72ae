package gateway

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/expr"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// principal is who a token speaks for, as far as its claims say. The token was
// found valid before it is read. It does not change.
type principal struct {
	token  string
	issuer string
	client string // the application that got the token; may be empty
	scopes []string
	claims map[string]jsontext.Value
	values map[string][]string // of the claims
	// prefixes are those that a scope may have in gateway.yaml and not in the token:
	// the audiences, as Microsoft Entra writes scopes.
	prefixes []string
	user     *expr.User
}

// tokenVariable is the variable of policies that has the token, a Jwt. API Management
// has none unless a policy sets one.
const tokenVariable = "jwt"

// newPrincipal reads the claims of a valid token that was issued for one of the
// audiences. Several says that there is more than one issuer, so that subjects alone
// do not tell users apart.
func newPrincipal(token string, audiences []string, several bool) (*principal, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("the token is not a signed one in compact form")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, fmt.Errorf("reading the claims: %w", err)
	}
	p := &principal{token: token, prefixes: slices.Clip(audiences)}
	if err := json.Unmarshal(payload, &p.claims); err != nil {
		return nil, fmt.Errorf("reading the claims: %w", err)
	}
	p.values = make(map[string][]string, len(p.claims))
	for name, v := range p.claims {
		p.values[name] = textsOf(v)
	}
	p.issuer = p.text("iss")
	p.client = cmp.Or(p.text("client_id"), p.text("azp"), p.text("appid"))
	for _, name := range [...]string{"scope", "scp"} {
		for _, text := range p.values[name] {
			p.scopes = append(p.scopes, strings.Fields(text)...)
		}
	}
	for _, aud := range p.values["aud"] {
		if aud != "" && !strings.Contains(aud, "://") {
			p.prefixes = append(p.prefixes, "api://"+aud)
		}
	}
	p.user = p.newUser(several)
	return p, nil
}

// newUser is the user as policies see it. An object id is the user's in all of an
// Entra tenant, where sub is another one for each application.
func (p *principal) newUser(several bool) *expr.User {
	id := p.text("sub")
	if oid := p.text("oid"); oid != "" && p.text("tid") != "" {
		id = oid
	}
	if several {
		id = p.issuer + "|" + id
	}
	u := &expr.User{
		ID: id, Email: p.text("email"), FirstName: p.text("given_name"), LastName: p.text("family_name"),
		Identities: []expr.UserIdentity{{ID: p.text("sub"), Provider: p.issuer}},
	}
	for _, g := range p.values["groups"] {
		u.Groups = append(u.Groups, expr.Group{ID: g, Name: g})
	}
	return u
}

// text is a claim that is one string; empty for any other.
func (p *principal) text(claim string) string {
	if p.claims[claim].Kind() != '"' {
		return ""
	}
	return p.values[claim][0]
}

// textsOf are the values of a claim: the items of an array, otherwise one. Strings
// stand for themselves, other values for their JSON text, and null for nothing.
func textsOf(v jsontext.Value) []string {
	items := []jsontext.Value{v}
	switch v.Kind() {
	case 'n', jsontext.KindInvalid:
		return nil
	case '[':
		items = nil
		_ = json.Unmarshal(v, &items) // it was parsed
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		text := []byte(item)
		if item.Kind() == '"' {
			text, _ = jsontext.AppendUnquote(nil, item)
		}
		list = append(list, string(text))
	}
	return list
}

// has tells whether a claim has one of the values.
func (p *principal) has(claim string, values []string) bool {
	return slices.ContainsFunc(p.values[claim], func(v string) bool { return slices.Contains(values, v) })
}

// hasScopes tells whether the token has all the scopes. One that begins with an
// audience is in tokens of Entra without it.
func (p *principal) hasScopes(wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(scope string) bool { return !p.hasScope(scope) })
}

func (p *principal) hasScope(scope string) bool {
	if slices.Contains(p.scopes, scope) {
		return true
	}
	return slices.ContainsFunc(p.prefixes, func(prefix string) bool {
		short, ok := strings.CutPrefix(scope, strings.TrimSuffix(prefix, "/")+"/")
		return ok && slices.Contains(p.scopes, short)
	})
}
