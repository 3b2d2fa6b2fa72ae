package auth

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// header is what we heed of the header of a JWS or JWE. Names are compared
// exactly, and a name given twice is refused (RFC 7515, 4).
type header struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Enc string `json:"enc"`

	compressed bool  // it has zip
	misfit     error // what it brings along is none
}

// wholeHeader are all the members that are looked at.
type wholeHeader struct {
	header
	brought
	Crit jsontext.Value `json:"crit"`
	B64  jsontext.Value `json:"b64"`
	Zip  jsontext.Value `json:"zip"`
}

// brought are a key and certificates that a header brings along, and a nonce. They
// have no say.
type brought struct {
	JWK   jsontext.Value `json:"jwk"`
	X5c   jsontext.Value `json:"x5c"`
	Nonce jsontext.Value `json:"nonce"`
}

// readHeader reads a protected header.
func readHeader(part string) (h header, err error) {
	text, err := decode(part)
	if err != nil {
		return h, invalid("its header is not base64url", err)
	}
	var whole wholeHeader
	if err := json.Unmarshal(text, &whole); err != nil {
		return h, invalid("its header is not a JSON object with unique names and texts for alg and kid", err)
	}
	if whole.Crit != nil || whole.B64 != nil {
		return h, invalid("its header has an extension that is not understood", nil) // RFC 7515, 4.1.11; RFC 7797, 7
	}
	h = whole.header
	h.compressed, h.misfit = whole.Zip != nil, whole.brought.check()
	return h, nil
}

// privateMembers are those of a JSON Web Key that nobody else may know.
var privateMembers = []string{"k", "d", "p", "q", "dp", "dq", "qi", "priv"}

// check refuses what is none: a token whose maker sent a private key (RFC 7515,
// 4.1.3) or garbage is not to be trusted.
func (b *brought) check() error {
	if given(b.Nonce) && b.Nonce.Kind() != '"' {
		return errors.New("nonce is not a text")
	}
	if given(b.X5c) {
		if err := checkCertificates(b.X5c); err != nil {
			return fmt.Errorf("reading x5c: %w", err)
		}
	}
	if !given(b.JWK) {
		return nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(b.JWK, &members); err != nil {
		return fmt.Errorf("reading jwk: %w", err)
	}
	for _, name := range privateMembers {
		if given(members[name]) {
			return errors.New("jwk is not public")
		}
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(b.JWK); err != nil {
		return fmt.Errorf("reading jwk: %w", err)
	}
	if !key.Valid() {
		return errors.New("jwk is no key")
	}
	return nil
}

// given reports whether a member is there and not null.
func given(v jsontext.Value) bool { return v != nil && v.Kind() != 'n' }

// checkCertificates wants a list of certificates in base64 (RFC 7515, 4.1.6).
func checkCertificates(v jsontext.Value) error {
	var chain []string
	if err := json.Unmarshal(v, &chain); err != nil {
		return err
	}
	for _, text := range chain {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		if _, err := x509.ParseCertificate(der); err != nil {
			return err
		}
	}
	return nil
}
