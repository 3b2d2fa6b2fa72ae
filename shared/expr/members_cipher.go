package expr

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"strings"
)

// symmetric is a SymmetricAlgorithm. Nil key and iv are made when they are first
// looked at.
type symmetric struct {
	key, iv       []byte
	mode, padding int64
}

func (*symmetric) typeName() string { return "Aes" }

// transform is an ICryptoTransform.
type transform struct {
	s       *symmetric
	key, iv []byte
	encrypt bool
}

func (*transform) typeName() string { return "ICryptoTransform" }

func (s *symmetric) materials(f *frame) {
	if s.key == nil {
		s.key = f.randomBytes(32)
	}
	if s.iv == nil {
		s.iv = f.randomBytes(aes.BlockSize)
	}
}

func throwCrypto(format string, args ...any) { throw("CryptographicException", format, args...) }

func (t *transform) run(f *frame, data []byte) []byte {
	block, err := aes.NewCipher(t.key)
	if err != nil {
		throwCrypto("Specified key is not a valid size for this algorithm.")
	}
	return crypt(f, block, t.iv, data, t.encrypt, t.s.mode, t.s.padding)
}

// crypt encrypts or decrypts blocks.
func crypt(f *frame, block cipher.Block, iv, data []byte, encrypt bool, mode, padding int64) []byte {
	n := block.BlockSize()
	f.step(1 + len(data)/32)
	f.charge(len(data) + n)
	if mode == 1 && len(iv) != n {
		throwCrypto("Specified initialization vector (IV) does not match the block size for this algorithm.")
	}
	if encrypt {
		data = padBlocks(data, n, padding)
	}
	if len(data)%n != 0 {
		throwCrypto("The input data is not a complete block.")
	}
	out := make([]byte, len(data))
	switch {
	case mode == 2:
		for i := 0; i < len(data); i += n {
			if encrypt {
				block.Encrypt(out[i:], data[i:i+n])
			} else {
				block.Decrypt(out[i:], data[i:i+n])
			}
		}
	case mode != 1:
		throwCrypto("Specified cipher mode is not valid for this algorithm.")
	case encrypt:
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, data)
	default:
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data)
	}
	if encrypt {
		return out
	}
	return unpadBlocks(out, n, padding)
}

func padBlocks(data []byte, n int, padding int64) []byte {
	fill := n - len(data)%n
	switch padding {
	case 1:
		return data
	case 3:
		return append(bytes.Clone(data), make([]byte, fill%n)...)
	case 4:
		return append(append(bytes.Clone(data), make([]byte, fill-1)...), byte(fill)) //nolint:gosec // at most a block
	}
	return append(bytes.Clone(data), bytes.Repeat([]byte{byte(fill)}, fill)...) //nolint:gosec // at most a block
}

func unpadBlocks(data []byte, n int, padding int64) []byte {
	if padding == 1 || padding == 3 {
		return data
	}
	if len(data) == 0 {
		throwCrypto("Padding is invalid and cannot be removed.")
	}
	fill := int(data[len(data)-1])
	valid := fill > 0 && fill <= n && fill <= len(data)
	if valid && padding == 2 {
		for _, b := range data[len(data)-fill:] {
			valid = valid && int(b) == fill
		}
	}
	if !valid {
		throwCrypto("Padding is invalid and cannot be removed.")
	}
	return data[:len(data)-fill]
}

// cryptNamed is byte[].Encrypt and Decrypt: CBC with PKCS #7 padding.
func cryptNamed(encrypt bool) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		data, name, key, iv := bytesArgument(a, 0), text(a, 1), bytesArgument(a, 2), bytesArgument(a, 3)
		var block cipher.Block
		var err error
		switch strings.ToLower(strings.TrimPrefix(name, "System.Security.Cryptography.")) {
		case "aes", "aesmanaged", "aescryptoserviceprovider", "rijndael", "rijndaelmanaged":
			block, err = aes.NewCipher(key)
		case "des":
			block, err = des.NewCipher(key) //nolint:gosec // the policy asks for it
		case "3des", "tripledes":
			if len(key) == 16 {
				key = append(bytes.Clone(key), key[:8]...)
			}
			block, err = des.NewTripleDESCipher(key) //nolint:gosec // the policy asks for it
		default:
			throwCrypto("The algorithm '%s' is unknown; use \"Aes\".", name)
		}
		if err != nil {
			throwCrypto("Specified key is not a valid size for this algorithm.")
		}
		return crypt(f, block, iv, data, encrypt, 1, 2)
	}
}

func newAES(*frame, []any) any { return &symmetric{mode: 1, padding: 2} }

func transforms(encrypt, given bool) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		s := a[0].(*symmetric)
		s.materials(f)
		if given {
			return &transform{s, bytesArgument(a, 1), bytesArgument(a, 2), encrypt}
		}
		return &transform{s, s.key, s.iv, encrypt}
	}
}

var cipherMembers = []memberTable{
	{"Array<T>", []row{
		{"byte[] Encrypt(string alg, byte[] key, byte[] iv)", cryptNamed(true), `Convert.ToBase64String(Encoding.UTF8.GetBytes("abc").Encrypt("Aes", new byte[16], new byte[16]))`, "l2qZX5TPTB4ktuL7Bn56aQ=="},
		{"byte[] Decrypt(string alg, byte[] key, byte[] iv)", cryptNamed(false), `Encoding.UTF8.GetString(Convert.FromBase64String("l2qZX5TPTB4ktuL7Bn56aQ==").Decrypt("Aes", new byte[16], new byte[16]))`, "abc"},
	}},
	{"Aes", []row{{"static Aes Create()", newAES, `Aes.Create().Mode`, "CBC"}}},
	{"AesManaged", []row{{"new()", newAES, `new AesManaged().Padding`, "PKCS7"}}},
	{"SymmetricAlgorithm", []row{
		{"byte[] Key", func(f *frame, a []any) any { a[0].(*symmetric).materials(f); return a[0].(*symmetric).key }, `Aes.Create().Key.Length`, "32"},
		{"set byte[] Key", func(_ *frame, a []any) any { a[0].(*symmetric).key = bytesArgument(a, 1); return a[1] }, "", ""},
		{"byte[] IV", func(f *frame, a []any) any { a[0].(*symmetric).materials(f); return a[0].(*symmetric).iv }, `Aes.Create().IV.Length`, "16"},
		{"set byte[] IV", func(_ *frame, a []any) any { a[0].(*symmetric).iv = bytesArgument(a, 1); return a[1] }, "", ""},
		{"CipherMode Mode", func(_ *frame, a []any) any { return enumValue{types("CipherMode").def, a[0].(*symmetric).mode} }, `Aes.Create().Mode`, "CBC"},
		{"set CipherMode Mode", func(_ *frame, a []any) any { a[0].(*symmetric).mode = integer(a[1]); return a[1] }, "", ""},
		{"PaddingMode Padding", func(_ *frame, a []any) any { return enumValue{types("PaddingMode").def, a[0].(*symmetric).padding} }, `Aes.Create().Padding`, "PKCS7"},
		{"set PaddingMode Padding", func(_ *frame, a []any) any { a[0].(*symmetric).padding = integer(a[1]); return a[1] }, "", ""},
		{"int KeySize", func(f *frame, a []any) any {
			a[0].(*symmetric).materials(f)
			return int32(8 * len(a[0].(*symmetric).key))
		}, `Aes.Create().KeySize`, "256"},
		{"set int KeySize", func(f *frame, a []any) any {
			n := number(a, 1)
			if n != 128 && n != 192 && n != 256 {
				throwCrypto("Specified key is not a valid size for this algorithm.")
			}
			a[0].(*symmetric).key = f.randomBytes(n / 8)
			return a[1]
		}, "", ""},
		{"int BlockSize", func(*frame, []any) any { return int32(8 * aes.BlockSize) }, `Aes.Create().BlockSize`, "128"},
		{"ICryptoTransform CreateEncryptor()", transforms(true, false), `Aes.Create().CreateEncryptor().TransformFinalBlock(new byte[3], 0, 3).Length`, "16"},
		{"ICryptoTransform CreateEncryptor(byte[] rgbKey, byte[] rgbIV)", transforms(true, true), `Aes.Create().CreateEncryptor(new byte[16], new byte[16]).TransformFinalBlock(new byte[16], 0, 16).Length`, "32"},
		{"ICryptoTransform CreateDecryptor()", transforms(false, false), `Aes.Create().CreateDecryptor() == null`, "False"},
		{"ICryptoTransform CreateDecryptor(byte[] rgbKey, byte[] rgbIV)", transforms(false, true), `Aes.Create().CreateDecryptor(new byte[16], new byte[16]).TransformFinalBlock(Aes.Create().CreateEncryptor(new byte[16], new byte[16]).TransformFinalBlock(new byte[3], 0, 3), 0, 16).Length`, "3"},
		{"void Dispose()", func(*frame, []any) any { return nil }, "", ""},
	}},
	{"ICryptoTransform", []row{
		{"byte[] TransformFinalBlock(byte[] inputBuffer, int inputOffset, int inputCount)", func(f *frame, a []any) any {
			return a[0].(*transform).run(f, byteRange(bytesArgument(a, 1), number(a, 2), number(a, 3)))
		}, `Aes.Create().CreateEncryptor().TransformFinalBlock(new byte[3], 0, 3).Length`, "16"},
		{"void Dispose()", func(*frame, []any) any { return nil }, "", ""},
	}},
}
