package gateway

import (
	"net/http"
	"strings"

	"toolgate/shared/mcp"
)

// metadataPath precedes the path of a protected resource in that of its metadata
// (RFC 9728, section 3.1).
const metadataPath = "/.well-known/oauth-protected-resource"

// serveMetadata answers requests for the metadata of protected servers, and reports
// false for everything else. Platforms that take WWW-Authenticate for their own,
// as AWS Lambda does, leave clients no other way to it, so it is at the root as
// well where there is one such server.
func (g *Gateway) serveMetadata(x *exchange) bool {
	rest, ok := strings.CutPrefix(x.r.URL.Path, metadataPath)
	if !ok {
		return false
	}
	suffix, ok := g.protectedBy(rest)
	if !ok {
		return false
	}
	x.server = suffix[1:strings.LastIndexByte(suffix, '/')]
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*") // it is public, and clients in browsers need it
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
		h.Set("Cache-Control", "public, max-age=3600")
		x.send(http.StatusOK, g.resourceMetadata(x, suffix))
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "Accept, Content-Type, MCP-Protocol-Version")
		h.Set("Access-Control-Max-Age", "3600")
		x.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		x.failHTTP(http.StatusMethodNotAllowed, "metadata takes GET")
	}
	return true
}

// protectedBy is the path of the protected endpoint whose metadata is asked for, in
// the form /{server}/mcp. A path of the public URL may stand before it.
func (g *Gateway) protectedBy(path string) (string, bool) {
	candidates := []string{path}
	if public := g.public; public != nil {
		if prefix := strings.TrimSuffix(public.Path, "/"); prefix != "" {
			if inner, ok := strings.CutPrefix(path, prefix); ok {
				candidates = append(candidates, inner)
			}
		}
	}
	for _, c := range candidates {
		c = strings.TrimSuffix(c, "/")
		if c == "" && g.onlyProtected != "" {
			return "/" + g.onlyProtected + "/mcp", true
		}
		if name, ok := serverName(c); ok && g.servers[name].takesTokens() {
			return c, true
		}
		name, _, ok := legacyPath(c)
		if s := g.servers[name]; ok && strings.HasSuffix(c, "/sse") && s.legacySSE && s.takesTokens() {
			return c, true
		}
	}
	return "", false
}

func (e endpoint) takesTokens() bool { return e.door != nil && e.door.authorization != nil }

// resourceMetadata is the document (RFC 9728, section 2).
func (g *Gateway) resourceMetadata(x *exchange, path string) []byte {
	s := g.servers[x.server]
	a := s.door.authorization
	out := mcp.AppendString([]byte(`{"resource":`), x.base()+path)
	issuers := a.AuthorizationServers
	if issuers == nil {
		issuers = a.Issuers
	}
	out = appendTexts(append(out, `,"authorization_servers":`...), issuers)
	if scopes := s.door.announced; len(scopes) > 0 {
		out = appendTexts(append(out, `,"scopes_supported":`...), scopes)
	}
	out = append(out, `,"bearer_methods_supported":["header"],"resource_name":`...)
	out = mcp.AppendString(out, s.around.api.Name)
	return append(out, '}')
}

func appendTexts(out []byte, texts []string) []byte {
	for i, t := range texts {
		out = mcp.AppendString(append(out, "[,"[min(i, 1)]), t)
	}
	return append(out, ']')
}
