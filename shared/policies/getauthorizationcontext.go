package policies

import (
	"context"
	"errors"
	"net/http"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() {
	registered["get-authorization-context"] = func() policy.Statement { return &getAuthorizationContext{} }
}

// getAuthorizationContext keeps the access token of a stored connection in a
// variable.
type getAuthorizationContext struct {
	Provider      policy.Value[string] `attr:"provider-id,required"`
	Authorization policy.Value[string] `attr:"authorization-id,required"`
	Variable      policy.Value[string] `attr:"context-variable-name,required"`
	IdentityType  policy.Value[string] `attr:"identity-type"`
	Identity      policy.Value[string] `attr:"identity"`
	IgnoreError   policy.Value[bool]   `attr:"ignore-error"`

	connections policy.Connections
}

func (p *getAuthorizationContext) Prepare(c *policy.Compilation) {
	p.connections = c.Services.Connections
	if p.connections == nil {
		c.Fault(c.Element.At, "add the provider under connections in gateway.yaml", "get-authorization-context needs connections, and this gateway has no providers of any")
	}
	if kind, ok := p.IdentityType.Literal(); ok && kind == "jwt" && !p.Identity.IsSet() {
		c.Fault(c.Element.At, `write identity="…"`, "the identity type jwt needs a token")
	}
}

func (p *getAuthorizationContext) Apply(ctx context.Context, x *policy.Exchange) error {
	e := evaluation{x: x}
	r := policy.ConnectionRequest{
		Provider: evaluate(&e, &p.Provider), Authorization: evaluate(&e, &p.Authorization),
		IdentityType: evaluate(&e, &p.IdentityType), Identity: evaluate(&e, &p.Identity),
	}
	variable, ignore := evaluate(&e, &p.Variable), evaluate(&e, &p.IgnoreError)
	if e.err != nil {
		return e.err
	}
	authorization, err := p.authorization(ctx, r)
	if err != nil {
		if !ignore {
			return &policy.Error{
				Source: "get-authorization-context", Reason: "AuthorizationContextFailure", Status: http.StatusInternalServerError,
				Message: "The authorization could not be obtained.", Cause: err,
			}
		}
		x.SetVariable(variable, nil)
		return nil
	}
	x.SetVariable(variable, authorization)
	return nil
}

func (p *getAuthorizationContext) authorization(ctx context.Context, r policy.ConnectionRequest) (*expr.Authorization, error) {
	if r.IdentityType == "jwt" && r.Identity == "" {
		return nil, errors.New("the identity is empty")
	}
	a, err := p.connections.Authorization(ctx, r)
	if err == nil && a == nil {
		err = errors.New("there is no such connection")
	}
	return a, err
}
