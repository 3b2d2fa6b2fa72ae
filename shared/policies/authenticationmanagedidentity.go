package policies

import (
	"context"
	"net/http"
	"strings"

	"toolgate/shared/policy"
)

func init() {
	registered["authentication-managed-identity"] = func() policy.Statement { return &authenticationManagedIdentity{} }
}

// authenticationManagedIdentity gets a token of the gateway's identity for a
// resource, and sends it to the backend or keeps it in a variable.
type authenticationManagedIdentity struct {
	Resource    policy.Value[string] `attr:"resource,required"`
	ClientID    string               `attr:"client-id"`
	Variable    string               `attr:"output-token-variable-name"`
	IgnoreError bool                 `attr:"ignore-error"`

	identity policy.Identity
}

func (p *authenticationManagedIdentity) Prepare(c *policy.Compilation) {
	p.identity = c.Services.Identity
	if p.identity == nil {
		c.Fault(c.Element.At, "remove it", "authentication-managed-identity is not run by this gateway: it has no identity")
	}
	late := c.Element.Section == policy.Outbound || c.Element.Section == policy.OnError
	if late && p.Variable == "" && !strings.Contains(c.Element.Path, "-request[") {
		c.Fault(c.Element.At, "move it to inbound, or write output-token-variable-name", "the request was sent before")
	}
}

func (p *authenticationManagedIdentity) Apply(ctx context.Context, x *policy.Exchange) error {
	resource, err := p.Resource.Get(x)
	if err != nil {
		return err
	}
	token, err := p.identity.Token(ctx, resource, p.ClientID)
	if err != nil && !p.IgnoreError {
		return &policy.Error{
			Source: "authentication-managed-identity", Reason: "ManagedIdentityTokenFailure", Status: http.StatusInternalServerError,
			Message: "A token of the managed identity could not be obtained.", Cause: err,
		}
	}
	switch {
	case p.Variable != "" && err != nil:
		x.SetVariable(p.Variable, nil)
	case p.Variable != "":
		x.SetVariable(p.Variable, token)
	case err == nil && x.Target.Request != nil: // never into a response
		x.SetHeader("Authorization", []string{"Bearer " + token})
	}
	return nil
}
