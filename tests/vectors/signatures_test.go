package vectors_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"

	"toolgate/shared/auth"
)

// pair is a raw signature of ES256 (RFC 7518, 3.4).
func pair(r, s *big.Int) []byte {
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

// halves are r and s of a raw signature.
func halves(signature []byte) (r, s *big.Int) {
	n := len(signature) / 2
	return new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])
}

// ellipticSignatures are of ES256, among them those of CVE-2022-21449.
func ellipticSignatures() []vector {
	order, one := elliptic.P256().Params().N, big.NewInt(1)
	forged := func(comment string, r, s *big.Int, door bool) vector {
		return vector{group: "ECDSA", comment: comment, want: auth.TokenSignatureInvalid, door: door, token: func(m *mint) string {
			return m.forged(`{"alg":"ES256","kid":"e"}`, pair(r, s))
		}}
	}
	changed := func(comment string, want auth.Kind, change func([]byte) []byte) vector {
		return vector{group: "ECDSA", comment: comment, want: want, token: func(m *mint) string { return m.resigned("ES256", change) }}
	}
	zero, less, more := new(big.Int), new(big.Int).Sub(order, one), new(big.Int).Add(order, one)
	all := new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)
	return []vector{
		forged("r and s are zero", zero, zero, true), forged("r is zero", zero, one, false), forged("s is zero", one, zero, false),
		forged("r and s are the order", order, order, true), forged("r is the order", order, one, false), forged("s is the order", one, order, false),
		forged("r and s are one", one, one, false), forged("r and s are one less than the order", less, less, false),
		forged("r and s are one more than the order", more, more, false), forged("all bits are set", all, all, false),
		changed("in DER", auth.TokenSignatureInvalid, func(b []byte) []byte {
			r, s := halves(b)
			der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
			if err != nil {
				panic(err)
			}
			return der
		}),
		changed("cut off by one byte", auth.TokenSignatureInvalid, func(b []byte) []byte { return b[:63] }),
		changed("cut off to half", auth.TokenSignatureInvalid, func(b []byte) []byte { return b[:32] }),
		changed("empty", auth.TokenSignatureInvalid, func([]byte) []byte { return nil }),
		changed("one byte more", auth.TokenSignatureInvalid, func(b []byte) []byte { return append(b, 0) }),
		changed("one zero byte before", auth.TokenSignatureInvalid, func(b []byte) []byte { return append([]byte{0}, b...) }),
		changed("halves of 48 bytes", auth.TokenSignatureInvalid, func(b []byte) []byte {
			return slices.Concat(make([]byte, 16), b[:32], make([]byte, 16), b[32:])
		}),
		changed("halves exchanged", auth.TokenSignatureInvalid, func(b []byte) []byte { return slices.Concat(b[32:], b[:32]) }),
		changed("r and the order", auth.TokenSignatureInvalid, func(b []byte) []byte {
			r, s := halves(b)
			sum := new(big.Int).Add(r, order)
			if sum.BitLen() > 256 {
				sum = all
			}
			return pair(sum, s)
		}),
		// Both s and its negative verify: RFC 7518 asks for neither.
		changed("the negative of s", "", func(b []byte) []byte {
			r, s := halves(b)
			return pair(r, s.Sub(order, s))
		}),
		{group: "ECDSA", comment: "of P-384 with alg ES256", want: auth.TokenSignatureInvalid, token: func(m *mint) string { return m.relabelled("ES384", "ES256") }},
		{group: "ECDSA", comment: "of P-384 with the kid of P-256", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			return m.with("ES384", p384(), `{"alg":"ES384","kid":"e"}`, m.claims())
		}},
		{group: "ECDSA", comment: "of another's key", want: auth.TokenSignatureInvalid, door: true, token: func(m *mint) string {
			return m.with("ES256", strangerP256(), `{"alg":"ES256","kid":"e"}`, m.claims())
		}},
		{group: "ECDSA", comment: "over the claims alone", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			return m.forged(`{"alg":"ES256","kid":"e"}`, m.signature("ES256", p256(), part(m.claims())))
		}},
		{group: "ECDSA", comment: "with SHA-1", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			header := `{"alg":"ES256","kid":"e"}`
			sum := sha1.Sum([]byte(part(header) + "." + part(m.claims())))
			r, s, err := ecdsa.Sign(rand.Reader, p256(), sum[:])
			if err != nil {
				m.t.Fatal(err)
			}
			return m.forged(header, pair(r, s))
		}},
	}
}

// rsaSignatures are of RS256, and keys that make them worthless.
func rsaSignatures() []vector {
	changed := func(comment string, change func([]byte) []byte) vector {
		return vector{group: "RSA", comment: comment, want: auth.TokenSignatureInvalid, token: func(m *mint) string { return m.resigned("RS256", change) }}
	}
	// worthless is a set with one key that nobody should use, and a token for it: the
	// set is as none.
	worthless := func(comment string, n, e *big.Int) vector {
		return vector{group: "RSA", comment: comment, want: auth.TokenSignatureKeyNotFound, keys: keySet(rsaJWK(n, e)), token: func(m *mint) string {
			header := `{"alg":"RS256","kid":"r"}`
			return m.forged(header, paddedHash(part(header)+"."+part(m.claims()), n))
		}}
	}
	n, e := rsaKey().N, big.NewInt(int64(rsaKey().E))
	return []vector{
		changed("cut off by one byte", func(b []byte) []byte { return b[:len(b)-1] }),
		changed("empty", func([]byte) []byte { return nil }),
		changed("one byte more", func(b []byte) []byte { return append(b, 0) }),
		changed("one zero byte before", func(b []byte) []byte { return append([]byte{0}, b...) }),
		changed("zero", func(b []byte) []byte { return make([]byte, len(b)) }),
		changed("one", func(b []byte) []byte { return append(make([]byte, len(b)-1), 1) }),
		changed("the modulus", func([]byte) []byte { return n.Bytes() }),
		changed("one less than the modulus", func([]byte) []byte { return new(big.Int).Sub(n, big.NewInt(1)).Bytes() }),
		changed("the padded hash itself", func(b []byte) []byte { return append([]byte{0, 1}, bytes.Repeat([]byte{255}, len(b)-2)...) }),
		changed("a bit turned", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }),
		{group: "RSA", comment: "with SHA-1", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			header := `{"alg":"RS256","kid":"r"}`
			sum := sha1.Sum([]byte(part(header) + "." + part(m.claims())))
			signature, err := rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA1, sum[:])
			if err != nil {
				m.t.Fatal(err)
			}
			return m.forged(header, signature)
		}},
		{group: "RSA", comment: "without the name of the hash", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			header := `{"alg":"RS256","kid":"r"}`
			sum := sha256.Sum256([]byte(part(header) + "." + part(m.claims())))
			signature, err := rsa.SignPKCS1v15(nil, rsaKey(), 0, sum[:])
			if err != nil {
				m.t.Fatal(err)
			}
			return m.forged(header, signature)
		}},
		{group: "RSA", comment: "of another's key", want: auth.TokenSignatureInvalid, door: true, token: func(m *mint) string {
			return m.with("RS256", strangerRSA(), `{"alg":"RS256","kid":"r"}`, m.claims())
		}},
		{group: "RSA", comment: "a key of 1024 bits", want: auth.TokenSignatureKeyNotFound, keys: keySet(jwk("r", &shortRSA().PublicKey)), token: func(m *mint) string {
			return m.with("RS256", shortRSA(), `{"alg":"RS256","kid":"r"}`, m.claims())
		}},
		worthless("a key with the exponent 1", n, big.NewInt(1)),
		worthless("a key with the exponent 0", n, new(big.Int)),
		worthless("a key with an even exponent", n, big.NewInt(65536)),
		worthless("a key with an exponent of 64 bits", n, new(big.Int).SetUint64(1<<63+1)),
		worthless("a key with an even modulus", new(big.Int).Lsh(n, 1), e),
		worthless("a key with the modulus 1", big.NewInt(1), e),
		worthless("a key of 65536 bits", new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 65535), 0, 1), e),
	}
}

// paddedHash is what a signature of RS256 is before the private key: with the exponent
// 1 it is the signature.
func paddedHash(input string, modulus *big.Int) []byte {
	sum := sha256.Sum256([]byte(input))
	prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	size := max((modulus.BitLen()+7)/8, len(prefix)+len(sum)+11)
	padding := bytes.Repeat([]byte{255}, min(size, 512)-len(prefix)-len(sum)-3)
	return slices.Concat([]byte{0, 1}, padding, []byte{0}, prefix, sum[:])
}

// saltLengths are of PS256, whose salt is as long as its hash (RFC 7518, 3.5).
func saltLengths() []vector {
	of := func(comment string, length int, want auth.Kind) vector {
		return vector{group: "PSS", comment: comment, want: want, token: func(m *mint) string {
			header := `{"alg":"PS256","kid":"r"}`
			sum := sha256.Sum256([]byte(part(header) + "." + part(m.claims())))
			signature, err := rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: length})
			if err != nil {
				m.t.Fatal(err)
			}
			return m.forged(header, signature)
		}}
	}
	return []vector{
		of("a salt as long as the hash", 32, ""),
		of("one byte of salt", 1, auth.TokenSignatureInvalid), of("a salt of 20 bytes", 20, auth.TokenSignatureInvalid),
		of("a salt one byte too long", 33, auth.TokenSignatureInvalid), of("the longest salt", rsa.PSSSaltLengthAuto, auth.TokenSignatureInvalid),
	}
}

// secrets are of HS*, whose keys are as long as their hashes (RFC 7518, 3.2).
func secrets() []vector {
	only := func(key []byte) func(*auth.Rules) {
		return func(r *auth.Rules) { r.Keys = []auth.Key{{ID: "s", Secret: key}} }
	}
	weak := func(alg string, length int, want auth.Kind) vector {
		return vector{group: "HMAC", comment: fmt.Sprintf("%s with a secret of %d bytes", alg, length), want: want, rules: only(secret[:length]), token: func(m *mint) string {
			return m.with(alg, secret[:length], fmt.Sprintf(`{"alg":%q}`, alg), m.claims())
		}}
	}
	changed := func(comment string, change func([]byte) []byte) vector {
		return vector{group: "HMAC", comment: comment, want: auth.TokenSignatureInvalid, token: func(m *mint) string { return m.resigned("HS256", change) }}
	}
	return []vector{
		weak("HS256", 1, auth.TokenSignatureInvalid), weak("HS256", 31, auth.TokenSignatureInvalid), weak("HS256", 32, ""),
		weak("HS384", 47, auth.TokenSignatureInvalid), weak("HS384", 48, ""), weak("HS512", 63, auth.TokenSignatureInvalid), weak("HS512", 64, ""),
		changed("cut off to 16 bytes", func(b []byte) []byte { return b[:16] }), changed("cut off by one byte", func(b []byte) []byte { return b[:31] }),
		changed("empty", func([]byte) []byte { return nil }), changed("one byte more", func(b []byte) []byte { return append(b, 0) }),
		changed("zero", func(b []byte) []byte { return make([]byte, len(b)) }),
		{group: "HMAC", comment: "under another secret", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			return m.with("HS256", secret[1:], `{"alg":"HS256"}`, m.claims())
		}},
		{group: "HMAC", comment: "under the secret in base64", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			return m.with("HS256", []byte(b64(secret)), `{"alg":"HS256"}`, m.claims())
		}},
	}
}

// edwards are of EdDSA (RFC 8037), which API Management does not document and the
// gateway does not take.
func edwards() []vector {
	of := func(comment, alg string, change func([]byte) []byte) vector {
		keys := keySet(jwk("o", edKey.Public()), jwk("r", &rsaKey().PublicKey))
		return vector{group: "EdDSA", comment: comment, want: auth.TokenSignatureInvalid, keys: keys, token: func(m *mint) string {
			header := fmt.Sprintf(`{"alg":%q,"kid":"o"}`, alg)
			return m.forged(header, change(ed25519.Sign(edKey, []byte(part(header)+"."+part(m.claims())))))
		}}
	}
	same := func(b []byte) []byte { return b }
	return []vector{
		of("Ed25519 by the name EdDSA", "EdDSA", same), of("Ed25519 by its own name", "Ed25519", same), of("Ed448", "Ed448", same),
		of("of zeros", "EdDSA", func(b []byte) []byte { return make([]byte, len(b)) }),
		of("S not reduced", "EdDSA", func(b []byte) []byte { b[63] |= 0xe0; return b }),
		{group: "EdDSA", comment: "as ES256, by the kid of a key that is left out", want: auth.TokenSignatureKeyNotFound, keys: keySet(jwk("o", edKey.Public()), jwk("e", &p256().PublicKey)), token: func(m *mint) string {
			header := `{"alg":"ES256","kid":"o"}`
			return m.forged(header, ed25519.Sign(edKey, []byte(part(header)+"."+part(m.claims()))))
		}},
	}
}
