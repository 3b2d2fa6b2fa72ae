package gateway

import (
	"net/http"
	"strings"

	"toolgate/shared/mcp"
	"toolgate/shared/policy"
)

// base is the URL of the gateway as clients have it, without a trailing slash.
func (x *exchange) base() string {
	if public := x.gateway.public; public != nil {
		return strings.TrimSuffix(public.String(), "/")
	}
	return "http://" + x.r.Host // reached on loopback only
}

// resourcePath is the path of the endpoint that a request is for: that of HTTP+SSE
// has one for its messages as well, which clients do not know by themselves.
func (x *exchange) resourcePath() string {
	if _, _, ok := legacyPath(x.r.URL.Path); ok {
		return "/" + x.server + "/sse"
	}
	return "/" + x.server + "/mcp"
}

// resource is the identifier of the server as a protected resource (RFC 8707).
func (x *exchange) resource() string { return x.base() + x.resourcePath() }

// bearerChallenge is a WWW-Authenticate (RFC 6750, section 3; RFC 9728, section
// 5.1). What is empty is left out.
func (x *exchange) bearerChallenge(code, description string, scopes []string) string {
	var text strings.Builder
	text.WriteString(`Bearer resource_metadata="` + quotable.Replace(x.base()+metadataPath+x.resourcePath()) + `"`)
	for _, parameter := range [...][2]string{{"error", code}, {"error_description", description}, {"scope", strings.Join(scopes, " ")}} {
		if parameter[1] != "" {
			text.WriteString(", " + parameter[0] + `="` + quotable.Replace(parameter[1]) + `"`)
		}
	}
	return text.String()
}

// scopeError is the refusal of what a token has too few scopes for. The client can
// ask for one with more (2025-11-25, basic/authorization, step-up).
type scopeError struct {
	exchange *exchange
	scopes   []string // all that the operation needs
}

const fewScopes = "Access denied: the token lacks scopes. This needs: "

func (e *scopeError) Error() string { return fewScopes + strings.Join(e.scopes, " ") }

// Unwrap is the error for a client that can be told no other way.
func (e *scopeError) Unwrap() error {
	return &mcp.Error{Code: mcp.CodeInvalidRequest, Message: e.Error(), Status: http.StatusForbidden}
}

// refusal is the failure of a call, whose response has the challenge.
func (e *scopeError) refusal() *policy.Error { return refused("InsufficientScope", e.Error()) }

func (e *scopeError) challenge() string {
	return e.exchange.bearerChallenge("insufficient_scope", "", e.scopes)
}

// stepUp answers a request that no policies govern.
func (x *exchange) stepUp(e *scopeError) {
	ctx, p := x.r.Context(), x.newExchange(x.gateway.servers[x.server].around)
	defer p.End(ctx)
	x.challenge = e.challenge()
	p.Operation = httpOperation(x.r)
	x.refuse(ctx, nil, p, e.refusal())
}
