package authserver

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
)

// registrationRequest is what we heed of the metadata of a client (RFC 7591, 2).
type registrationRequest struct {
	RedirectURIs    []string `json:"redirect_uris"`
	Name            string   `json:"client_name"`
	GrantTypes      []string `json:"grant_types"`
	ResponseTypes   []string `json:"response_types"`
	ApplicationType string   `json:"application_type"`
}

// registrationResponse is what was registered (RFC 7591, 3.2.1). There is no
// secret, whatever was asked for: a client on a user's machine cannot keep one.
type registrationResponse struct {
	ClientID        string   `json:"client_id"`
	IssuedAt        int64    `json:"client_id_issued_at"`
	Name            string   `json:"client_name,omitzero"`
	RedirectURIs    []string `json:"redirect_uris"`
	GrantTypes      []string `json:"grant_types"`
	ResponseTypes   []string `json:"response_types"`
	AuthMethod      string   `json:"token_endpoint_auth_method"`
	ApplicationType string   `json:"application_type,omitzero"`
}

// serveRegister registers a client. Nothing is kept of it, so that there is
// nothing to fill up.
func (s *Server) serveRegister(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	if err != nil {
		s.sendError(w, r, err)
		return
	}
	var q registrationRequest
	if json.Unmarshal(body, &q) != nil {
		s.sendError(w, r, refuse("invalid_client_metadata", "the body is not the JSON of a client's metadata"))
		return
	}
	if err := s.checkRegistration(&q); err != nil {
		s.sendError(w, r, err)
		return
	}
	record := registration{Name: displayName(q.Name), RedirectURIs: q.RedirectURIs, Expires: s.in(registrationLifetime)}
	id := sealed(s.seals.client, record, s.issuer)
	if len(id) > maxClientID {
		s.sendError(w, r, refuse("invalid_redirect_uri", "the redirect_uris are too long together"))
		return
	}
	send(w, http.StatusCreated, marshal(registrationResponse{
		ClientID: id, IssuedAt: s.now().Unix(), Name: record.Name, RedirectURIs: record.RedirectURIs,
		GrantTypes: []string{grantCode, grantRefresh}, ResponseTypes: []string{"code"}, AuthMethod: "none", ApplicationType: q.ApplicationType,
	}))
}

func (s *Server) checkRegistration(q *registrationRequest) error {
	switch {
	case len(q.RedirectURIs) == 0 || len(q.RedirectURIs) > maxRedirectURIs:
		return refuse("invalid_redirect_uri", fmt.Sprintf("give 1 to %d redirect_uris", maxRedirectURIs))
	case q.GrantTypes != nil && !slices.Contains(q.GrantTypes, grantCode):
		return refuse("invalid_client_metadata", "grant_types has no authorization_code, and there is no other way to a token")
	case q.ResponseTypes != nil && !slices.Contains(q.ResponseTypes, "code"):
		return refuse("invalid_client_metadata", "response_types has no code, and there is no other")
	case q.ApplicationType != "" && q.ApplicationType != "web" && q.ApplicationType != "native":
		return refuse("invalid_client_metadata", "application_type is web or native")
	}
	for i, uri := range q.RedirectURIs {
		if wrong := s.checkRedirectURI(uri); wrong != "" {
			return refuse("invalid_redirect_uri", fmt.Sprintf("number %d of redirect_uris %s", i+1, wrong))
		}
	}
	return nil
}
