package authserver

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
)

// metadata is the document of an authorization server (RFC 8414), which clients
// find everything else by. Clients of OpenID Connect want the members at its end.
type metadata struct {
	Issuer                    string   `json:"issuer"`
	AuthorizationEndpoint     string   `json:"authorization_endpoint"`
	TokenEndpoint             string   `json:"token_endpoint"`
	RegistrationEndpoint      string   `json:"registration_endpoint,omitzero"`
	RevocationEndpoint        string   `json:"revocation_endpoint"`
	JWKSURI                   string   `json:"jwks_uri"`
	ScopesSupported           []string `json:"scopes_supported"`
	ResponseTypesSupported    []string `json:"response_types_supported"`
	ResponseModesSupported    []string `json:"response_modes_supported"`
	GrantTypesSupported       []string `json:"grant_types_supported"`
	TokenAuthMethods          []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuthMethods     []string `json:"revocation_endpoint_auth_methods_supported"`
	CodeChallengeMethods      []string `json:"code_challenge_methods_supported"`
	ClientIDMetadataDocuments bool     `json:"client_id_metadata_document_supported"`
	IssParameter              bool     `json:"authorization_response_iss_parameter_supported"`
	ProtectedResources        []string `json:"protected_resources"` // RFC 9728, 4

	SubjectTypes      []string `json:"subject_types_supported,omitzero"`
	IDTokenAlgorithms []string `json:"id_token_signing_alg_values_supported,omitzero"`
}

// offlineAccess is the scope by which clients ask for a refresh token. They get
// one in any case.
const offlineAccess = "offline_access"

// render renders the documents.
func (s *Server) render() {
	m := metadata{
		Issuer: s.issuer, AuthorizationEndpoint: s.issuer + pathAuthorize, TokenEndpoint: s.issuer + pathToken,
		RevocationEndpoint: s.issuer + pathRevoke, JWKSURI: s.issuer + pathKeys,
		ResponseTypesSupported: []string{"code"}, ResponseModesSupported: []string{"query"},
		GrantTypesSupported: []string{grantCode, grantRefresh},
		TokenAuthMethods:    []string{"none"}, RevocationAuthMethods: []string{"none"},
		CodeChallengeMethods: []string{"S256"}, ClientIDMetadataDocuments: true, IssParameter: true,
	}
	if s.dynamic {
		m.RegistrationEndpoint = s.issuer + pathRegister
	}
	for _, r := range s.resources {
		m.ScopesSupported = append(m.ScopesSupported, r.Scopes...)
		m.ProtectedResources = append(m.ProtectedResources, r.URL)
	}
	m.ScopesSupported = append(m.ScopesSupported, offlineAccess)
	slices.Sort(m.ScopesSupported)
	m.ScopesSupported = slices.Compact(m.ScopesSupported)
	s.metadata = marshal(m)
	m.SubjectTypes, m.IDTokenAlgorithms = []string{"public"}, []string{"ES256"}
	s.openID = marshal(m)
}

// document answers with a rendered document.
func (s *Server) document(text *[]byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		send(w, http.StatusOK, *text)
	}
}

// send sends JSON.
func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// marshal renders what always can be: strings, numbers, and JSON that was parsed.
func marshal(v any) []byte {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("rendering %T: %v", v, err))
	}
	return text
}
