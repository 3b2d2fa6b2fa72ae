package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// signed is a token in its parts, not yet verified.
type signed struct {
	raw    string
	header header
	claims claims

	digest   digest    // of raw; zero when it is too long to be kept
	kept     bool      // it was verified before
	verdicts []verdict // what was found out then
}

// input is what the signature is of (RFC 7515, 5.2).
func (t *signed) input() string { return t.raw[:strings.LastIndexByte(t.raw, '.')] }

// signature is base64url; it may be empty.
func (t *signed) signature() string { return t.raw[strings.LastIndexByte(t.raw, '.')+1:] }

// read takes a token apart, after decrypting it if it is encrypted. One that was
// verified a short time ago is known.
func (v *Validator) read(token string, r *Rules, now time.Time) (*signed, error) {
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
	if len(token) > maxKeptToken {
		return split(token)
	}
	d := sha256.Sum256([]byte(token))
	if k := v.kept.find(d, now); k != nil {
		return &signed{raw: token, header: k.header, claims: k.claims, digest: d, kept: true, verdicts: k.verdicts}, nil
	}
	t, err := split(token)
	if err != nil {
		return nil, err
	}
	t.digest = d
	return t, nil
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
	t := &signed{raw: token}
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
	if h.compressed { // what inflates to gigabytes, and tells by its length what it holds (RFC 8725, 3.6)
		return "", invalid("it is compressed", nil)
	}
	if err := checkEncrypted(token, h.Alg); err != nil {
		return "", err
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

// checkEncrypted wants each part of a JWE in the one way to write it, and, where the
// key is agreed upon, no other key (RFC 7516, 5.2, step 10). go-jose is content with
// less.
func checkEncrypted(token, alg string) error {
	parts := strings.Split(token, ".")
	for _, part := range parts {
		if _, err := decode(part); err != nil {
			return invalid("it is encrypted, and not base64url", err)
		}
	}
	if alg == string(jose.DIRECT) && parts[1] != "" {
		return invalid("it is encrypted with a key and brings one", nil)
	}
	return nil
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
