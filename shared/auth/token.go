package auth

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// header is what we heed of the header of a JWS or JWE. Names are compared
// exactly, and a name given twice is refused (RFC 7515, 4).
type header struct {
	Alg  string         `json:"alg"`
	Kid  string         `json:"kid"`
	Enc  string         `json:"enc"`
	Crit jsontext.Value `json:"crit"`
	B64  jsontext.Value `json:"b64"`
	Zip  jsontext.Value `json:"zip"`
}

// signed is a token in its parts, not yet verified.
type signed struct {
	raw       string
	header    header
	claims    claims
	signature string // base64url
}

// read takes a token apart, after decrypting it if it is encrypted.
func read(token string, r *Rules) (*signed, error) {
	if len(token) > MaxToken {
		return nil, invalid(fmt.Sprintf("it is longer than %d bytes", MaxToken), nil)
	}
	if strings.Count(token, ".") == 4 {
		inner, err := decrypt(token, r.DecryptionKeys)
		if err != nil {
			return nil, err
		}
		token = inner
	}
	return split(token)
}

// split takes a JWS in compact form apart (RFC 7515, 7.1).
func split(token string) (*signed, error) {
	first, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, invalid("it does not have three parts", nil)
	}
	if _, err := decode(signature); err != nil {
		return nil, invalid("its signature is not base64url", err)
	}
	t := &signed{raw: token, signature: signature}
	var err error
	if t.header, err = readHeader(first); err != nil {
		return nil, err
	}
	text, err := decode(payload)
	if err != nil {
		return nil, invalid("its payload is not base64url", err)
	}
	if err := json.Unmarshal(text, &t.claims); err != nil || t.claims == nil {
		return nil, invalid("its payload is not a JSON object with unique names", err)
	}
	return t, nil
}

// readHeader reads a protected header.
func readHeader(part string) (h header, err error) {
	text, err := decode(part)
	if err != nil {
		return h, invalid("its header is not base64url", err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, invalid("its header is not a JSON object with unique names and texts for alg and kid", err)
	}
	if h.Crit != nil || h.B64 != nil {
		return h, invalid("its header has an extension that is not understood", nil) // RFC 7515, 4.1.11; RFC 7797, 7
	}
	return h, nil
}

// strict is base64url without padding, in the one way to write it: a token
// cannot be changed without its signature becoming invalid.
var strict = base64.RawURLEncoding.Strict()

// decode reads a part of a token.
func decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") { // which encoding/base64 skips
		return nil, base64.CorruptInputError(strings.IndexAny(part, "\r\n"))
	}
	return strict.DecodeString(part)
}

// The algorithms of encrypted tokens. RSA1_5 is not one of them: how it fails
// tells the plaintext (RFC 8725, 3.2).
var (
	keyEncryption     = []jose.KeyAlgorithm{jose.DIRECT, jose.RSA_OAEP, jose.RSA_OAEP_256}
	contentEncryption = []jose.ContentEncryption{
		jose.A128CBC_HS256, jose.A192CBC_HS384, jose.A256CBC_HS512, jose.A128GCM, jose.A192GCM, jose.A256GCM,
	}
)

// decrypt returns the signed token inside an encrypted one (RFC 7516). The keys
// are tried in turn, and which one failed how is nobody's to know.
func decrypt(token string, keys []Key) (string, error) {
	if len(keys) == 0 {
		return "", invalid("it is encrypted, and there are no keys to decrypt it", nil)
	}
	part, _, _ := strings.Cut(token, ".")
	h, err := readHeader(part)
	if err != nil {
		return "", err
	}
	if h.Zip != nil { // what inflates to gigabytes, and tells by its length what it holds (RFC 8725, 3.6)
		return "", invalid("it is compressed", nil)
	}
	encrypted, err := jose.ParseEncryptedCompact(token, keyEncryption, contentEncryption)
	if err != nil {
		return "", invalid("it is encrypted in a way that is not understood", err)
	}
	for _, k := range keys {
		key := k.decryption(h.Alg)
		if key == nil {
			continue
		}
		if plain, err := encrypted.Decrypt(key); err == nil {
			return string(plain), nil
		}
	}
	return "", invalid("it cannot be decrypted", fmt.Errorf("none of %d keys decrypts %s with %s", len(keys), h.Alg, h.Enc))
}

// decryption is what go-jose takes as the key of an algorithm; nil when the key
// is not for it.
func (k *Key) decryption(alg string) any {
	if alg == string(jose.DIRECT) {
		if len(k.Secret) == 0 {
			return nil
		}
		return k.Secret
	}
	if k.Private == nil {
		return nil
	}
	return k.Private
}
