package expr

import (
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"
)

// hashing is a HashAlgorithm: a hash, or an HMAC with a key.
type hashing struct {
	class string
	make  func() hash.Hash
	key   []byte // of HMACs
	mac   bool
	last  []byte
}

func (h *hashing) typeName() string { return h.class }

func (h *hashing) sum(f *frame, data []byte) any {
	f.step(1 + len(data)/64)
	state := h.make()
	if h.mac {
		state = hmac.New(h.make, h.key)
	}
	state.Write(data)
	h.last = state.Sum(nil)
	return h.last
}

var hashes = []struct {
	name string
	make func() hash.Hash
}{{"MD5", md5.New}, {"SHA1", sha1.New}, {"SHA256", sha256.New}, {"SHA384", sha512.New384}, {"SHA512", sha512.New}}

func hashRows() []memberTable {
	var tables []memberTable
	for _, h := range hashes {
		plain := func(f *frame, _ []any) any { return &hashing{class: h.name, make: h.make} }
		rows := []row{
			{"static " + h.name + " Create()", plain, "Convert.ToHexString(" + h.name + ".Create().ComputeHash(new byte[0])).Length", numberText(int32(2 * h.make().Size()))}, //nolint:gosec // small
			{"static byte[] HashData(byte[] source)", func(f *frame, a []any) any {
				return (&hashing{make: h.make}).sum(f, bytesArgument(a, 0))
			}, h.name + ".HashData(new byte[0]).Length", numberText(int32(h.make().Size()))}, //nolint:gosec // small
		}
		tables = append(tables, memberTable{h.name, rows})
		for _, suffix := range []string{"Managed", "CryptoServiceProvider"} {
			if lookup := h.name + suffix; strings.Contains(frameworkHashes, " "+lookup+" ") {
				tables = append(tables, memberTable{lookup, []row{{"new()", plain, "new " + lookup + "().HashSize", numberText(int32(8 * h.make().Size()))}}}) //nolint:gosec // small
			}
		}
		mac := "HMAC" + h.name
		keyed := func(key []byte) any { return &hashing{class: mac, make: h.make, key: key, mac: true} }
		tables = append(tables, memberTable{mac, []row{
			{"new()", func(f *frame, _ []any) any { return keyed(f.randomBytes(64)) }, "new " + mac + "().Key.Length", "64"},
			{"new(byte[] key)", func(_ *frame, a []any) any { return keyed(bytesArgument(a, 0)) }, "new " + mac + "(new byte[] { 1 }).ComputeHash(new byte[0]).Length", numberText(int32(h.make().Size()))}, //nolint:gosec // small
			{"byte[] Key", func(_ *frame, a []any) any { return a[0].(*hashing).key }, "new " + mac + "(new byte[] { 1 }).Key.Length", "1"},
			{"set byte[] Key", func(_ *frame, a []any) any { a[0].(*hashing).key = bytesArgument(a, 1); return a[1] }, "", ""},
			{"static byte[] HashData(byte[] key, byte[] source)", func(f *frame, a []any) any {
				return (&hashing{make: h.make, key: bytesArgument(a, 0), mac: true}).sum(f, bytesArgument(a, 1))
			}, mac + ".HashData(new byte[] { 1 }, new byte[0]).Length", numberText(int32(h.make().Size()))}, //nolint:gosec // small
		}})
	}
	return tables
}

// frameworkHashes names the classes of .NET Framework that some hashes have.
const frameworkHashes = " MD5CryptoServiceProvider SHA1Managed SHA256Managed SHA384Managed SHA512Managed SHA1CryptoServiceProvider SHA256CryptoServiceProvider "

// namedHash is a HashAlgorithmName.
type namedHash struct {
	name string
	id   crypto.Hash
}

func (*namedHash) typeName() string   { return "HashAlgorithmName" }
func (n *namedHash) String() string   { return n.name }
func (p *padding) typeName() string   { return p.class }
func (p *padding) String() string     { return p.name }
func (*rsaKey) typeName() string      { return "RSACng" }
func (*randomBytes) typeName() string { return "RNGCryptoServiceProvider" }

// padding is an RSASignaturePadding.
type padding struct{ class, name string }

// rsaKey is an RSA with a public key, and a private one perhaps.
type rsaKey struct {
	public  *rsa.PublicKey
	private *rsa.PrivateKey
}

// randomBytes is an RNGCryptoServiceProvider.
type randomBytes struct{ _ byte }

func digest(name any, data []byte) (crypto.Hash, []byte) {
	n, ok := name.(*namedHash)
	if !ok {
		throwArgumentNull("hashAlgorithm")
	}
	h := n.id.New()
	h.Write(data)
	return n.id, h.Sum(nil)
}

func (k *rsaKey) sign(f *frame, data []byte, name, pad any) any {
	f.step(20000) // a signature takes about that many steps
	if k.private == nil {
		throw("CryptographicException", "The key has no private part.")
	}
	id, sum := digest(name, data)
	var out []byte
	var err error
	if p, ok := pad.(*padding); ok && p.name == "Pss" {
		out, err = rsa.SignPSS(frameReader{f}, k.private, id, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	} else {
		out, err = rsa.SignPKCS1v15(nil, k.private, id, sum)
	}
	if err != nil {
		throw("CryptographicException", "%v", err)
	}
	return out
}

func (k *rsaKey) verify(f *frame, data, signature []byte, name, pad any) any {
	f.step(2000)
	id, sum := digest(name, data)
	if p, ok := pad.(*padding); ok && p.name == "Pss" {
		return rsa.VerifyPSS(k.public, id, sum, signature, nil) == nil
	}
	return rsa.VerifyPKCS1v15(k.public, id, sum, signature) == nil
}

// frameReader reads the evaluation's randomness.
type frameReader struct{ f *frame }

func (r frameReader) Read(p []byte) (int, error) { return copy(p, r.f.randomBytes(len(p))), nil }

func hashName(name string, id crypto.Hash) row {
	return row{"static HashAlgorithmName " + name, func(*frame, []any) any { return &namedHash{name, id} }, "HashAlgorithmName." + name + ".ToString()", name}
}

func paddings(class, name string) row {
	return row{"static " + class + " " + name, func(*frame, []any) any { return &padding{class, name} }, class + "." + name + ".ToString()", name}
}

var hashMembers = append(hashRows(),
	memberTable{"HashAlgorithm", []row{
		{"byte[] ComputeHash(byte[] buffer)", func(f *frame, a []any) any { return a[0].(*hashing).sum(f, bytesArgument(a, 1)) },
			`BitConverter.ToString(SHA256.Create().ComputeHash(Encoding.UTF8.GetBytes("abc"))).Substring(0, 8)`, "BA-78-16"},
		{"byte[] ComputeHash(byte[] buffer, int offset, int count)", func(f *frame, a []any) any {
			return a[0].(*hashing).sum(f, byteRange(bytesArgument(a, 1), number(a, 2), number(a, 3)))
		}, `MD5.Create().ComputeHash(new byte[4], 0, 2).Length`, "16"},
		{"byte[] Hash", func(_ *frame, a []any) any {
			if h := a[0].(*hashing); h.last != nil {
				return h.last
			}
			return nil
		}, `SHA1.Create().Hash == null`, "True"},
		{"int HashSize", func(_ *frame, a []any) any { return int32(8 * a[0].(*hashing).make().Size()) }, `SHA1.Create().HashSize`, "160"},
		{"void Dispose()", func(*frame, []any) any { return nil }, "", ""},
		{"void Clear()", func(*frame, []any) any { return nil }, "", ""},
	}},
	memberTable{"HashAlgorithmName", []row{
		hashName("MD5", crypto.MD5), hashName("SHA1", crypto.SHA1), hashName("SHA256", crypto.SHA256), hashName("SHA384", crypto.SHA384), hashName("SHA512", crypto.SHA512),
		{"string Name", func(_ *frame, a []any) any { return a[0].(*namedHash).name }, `HashAlgorithmName.SHA256.Name`, "SHA256"},
	}},
	memberTable{"RSASignaturePadding", []row{paddings("RSASignaturePadding", "Pkcs1"), paddings("RSASignaturePadding", "Pss")}},
	memberTable{"RSA", []row{
		{"byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)", func(f *frame, a []any) any {
			return a[0].(*rsaKey).sign(f, bytesArgument(a, 1), a[2], a[3])
		}, "", ""},
		{"bool VerifyData(byte[] data, byte[] signature, HashAlgorithmName hashAlgorithm, RSASignaturePadding padding)", func(f *frame, a []any) any {
			return a[0].(*rsaKey).verify(f, bytesArgument(a, 1), bytesArgument(a, 2), a[3], a[4])
		}, "", ""},
		{"int KeySize", func(_ *frame, a []any) any { return int32(a[0].(*rsaKey).public.N.BitLen()) }, "", ""},
	}},
	memberTable{"RNGCryptoServiceProvider", []row{
		{"new()", func(*frame, []any) any { return &randomBytes{} }, "", ""},
		{"void GetBytes(byte[] data)", func(f *frame, a []any) any {
			copy(bytesArgument(a, 1), f.randomBytes(len(bytesArgument(a, 1))))
			return nil
		}, "", ""},
		{"void Dispose()", func(*frame, []any) any { return nil }, "", ""},
	}},
	memberTable{"CryptographicException", []row{{"new(string message)", newException("CryptographicException"), `new CryptographicException("a").Message`, "a"}}},
	memberTable{"Oid", []row{
		{"string Value", func(_ *frame, a []any) any { return a[0].(*oid).value }, "", ""},
		{"string FriendlyName", func(_ *frame, a []any) any { return a[0].(*oid).name }, "", ""},
	}},
)

// oid is an Oid.
type oid struct{ value, name string }

func (*oid) typeName() string { return "Oid" }
