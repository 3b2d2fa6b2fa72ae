package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"slices"
	"testing"
	"time"
)

// The examples of RFC 7515, appendix A: tokens that somebody else signed. Their
// payload says exp 1300819380, iss joe.
const vectorPayload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

func TestVectors(t *testing.T) {
	raw := func(text string) []byte {
		decoded, err := strict.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return decoded
	}
	modulus := "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
	public, err := ParseRSA(modulus, "AQAB")
	if err != nil {
		t.Fatal(err)
	}
	// X and Y after the mark of an uncompressed point (SEC 1, 2.3.3).
	point, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, raw("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), raw("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		section, header, signature string
		key                        Key
	}{
		{
			"A.1", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
			Key{Secret: raw("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")},
		},
		{
			"A.2", "eyJhbGciOiJSUzI1NiJ9", "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
			Key{Public: public},
		},
		{
			"A.3", "eyJhbGciOiJFUzI1NiJ9", "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
			Key{Public: point},
		},
	}
	rules := Rules{RequireExpiration: true, RequireSigned: true, Issuers: []string{"joe"}, Claims: []Claim{{Name: "http://example.com/is_root", Values: []string{"true"}}}}
	for _, test := range tests {
		for now, want := range map[int64]string{1300819379: "", 1300819380: "TokenExpired"} {
			v := New(Options{Now: func() time.Time { return time.Unix(now, 0) }})
			r := rules
			r.Keys = []Key{test.key}
			_, err := v.Validate(t.Context(), test.header+"."+vectorPayload+"."+test.signature, &r)
			if got := kindOf(t, err); got != want {
				t.Errorf("%s at %d: got %q (%v), want %q", test.section, now, got, err, want)
			}
		}
	}
	// A.5 is the same without a signature.
	v := New(Options{Now: func() time.Time { return time.Unix(1300819379, 0) }})
	if _, err := v.Validate(t.Context(), "eyJhbGciOiJub25lIn0."+vectorPayload+".", &Rules{Issuers: []string{"joe"}}); err != nil {
		t.Errorf("A.5: got %v, want none", err)
	}
}
