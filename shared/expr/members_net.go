package expr

import (
	"html"
	"net/netip"
	"net/url"
	"strings"
)

// uriValue is a Uri.
type uriValue struct {
	u        *url.URL
	original string
}

func (*uriValue) typeName() string { return "Uri" }

func (u *uriValue) absolute() bool { return u.u.Scheme != "" }

// String is the address as .NET shows it: unescaped where that is safe.
func (u *uriValue) String() string {
	if !u.absolute() {
		return u.original
	}
	return u.scheme() + "://" + u.u.Host + unescapePath(u.path()) + u.query() + u.fragment()
}

func (u *uriValue) scheme() string { return strings.ToLower(u.u.Scheme) }

func (u *uriValue) path() string {
	if p := u.u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

func (u *uriValue) query() string {
	if u.u.RawQuery == "" {
		return ""
	}
	return "?" + u.u.RawQuery
}

func (u *uriValue) fragment() string {
	if u.u.Fragment == "" {
		return ""
	}
	return "#" + u.u.EscapedFragment()
}

func unescapePath(p string) string {
	out, err := url.PathUnescape(p)
	if err != nil || strings.ContainsAny(out, "%?#\\") {
		return p
	}
	return out
}

func parseURI(s string, relative bool) (*uriValue, bool) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return nil, false
	}
	if u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Scheme != "file" {
		return &uriValue{&url.URL{Path: s}, s}, relative
	}
	u.Host = strings.ToLower(u.Host)
	if port := defaultPorts[strings.ToLower(u.Scheme)]; port != "" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return &uriValue{u, s}, true
}

func newURI(s string) *uriValue {
	u, ok := parseURI(s, false)
	if !ok {
		throw("UriFormatException", "Invalid URI: The format of the URI could not be determined.")
	}
	return u
}

func (u *uriValue) need() *url.URL {
	if !u.absolute() {
		throw("InvalidOperationException", "This operation is not supported for a relative URI.")
	}
	return u.u
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "ftp": "21"}

func port(u *url.URL) any {
	p := u.Port()
	if p == "" {
		p = defaultPorts[strings.ToLower(u.Scheme)]
	}
	n, status := parseNumber(p, "int")
	if status != "" {
		return int32(-1)
	}
	return n
}

// escapeData is Uri.EscapeDataString: everything but RFC 3986's unreserved.
func escapeData(s, also string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= '0' && c <= '9' || c|32 >= 'a' && c|32 <= 'z' || strings.IndexByte("-_.~"+also, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + hexText([]byte{c}, ""))
	}
	return b.String()
}

// unescapeData decodes what is well formed and leaves the rest.
func unescapeData(s string, plus bool) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			hi, lo := strings.IndexByte(hexDigits, lowerHex(s[i+1])), strings.IndexByte(hexDigits, lowerHex(s[i+2]))
			b = append(b, byte(hi<<4|lo)) //nolint:gosec // two nibbles
			i += 2
		case s[i] == '+' && plus:
			b = append(b, ' ')
		default:
			b = append(b, s[i])
		}
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

func lowerHex(c byte) byte {
	if c >= 'A' && c <= 'F' {
		return c | 32
	}
	return c
}

// urlEncode is WebUtility.UrlEncode: spaces become plus signs.
func urlEncode(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(escapeData(s, "!*()"), "%20", "+"), "~", "%7E")
}

// htmlEncode is WebUtility.HtmlEncode: also characters from U+00A0 to U+00FF.
func htmlEncode(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\'':
			b.WriteString("&#39;")
		case r == '&':
			b.WriteString("&amp;")
		case r >= 160 && r < 256 || r > 0xFFFF:
			b.WriteString("&#" + numberText(r) + ";")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// onText makes a row's function of one on text; null stays null.
func onText(fn func(s string) string) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		if a[0] == nil {
			return nil
		}
		s := a[0].(string)
		f.step(len(s) / 16)
		return f.text(fn(s))
	}
}

// formText encodes a form's dictionary.
func formText(f *frame, dictionary any) string {
	var parts []string
	for k, v := range f.entries(dictionary) {
		if l, ok := v.(*List); ok {
			for _, x := range l.items {
				parts = append(parts, urlEncode(toText(k))+"="+urlEncode(toText(x)))
			}
			continue
		}
		parts = append(parts, urlEncode(toText(k))+"="+urlEncode(toText(v)))
	}
	return strings.Join(parts, "&")
}

// parseAddress reads an IP address.
func parseAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil
}

func uriText(get func(u *uriValue) string) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		a[0].(*uriValue).need()
		return get(a[0].(*uriValue))
	}
}

var netMembers = []memberTable{
	{"Uri", []row{
		{"new(string uriString)", func(_ *frame, a []any) any { return newURI(text(a, 0)) }, `new Uri("https://Contoso.com:443/a?b=1").ToString()`, "https://contoso.com/a?b=1"},
		{"new(string uriString, UriKind uriKind)", func(_ *frame, a []any) any {
			u, ok := parseURI(text(a, 0), integer(a[1]) != 1)
			if !ok {
				throw("UriFormatException", "Invalid URI: The format of the URI could not be determined.")
			}
			return u
		}, `new Uri("/a", UriKind.Relative).ToString()`, "/a"},
		{"new(Uri baseUri, string relativeUri)", func(_ *frame, a []any) any {
			ref, err := url.Parse(text(a, 1))
			if err != nil || a[0] == nil {
				throw("UriFormatException", "Invalid URI: The format of the URI could not be determined.")
			}
			return newURI(a[0].(*uriValue).need().ResolveReference(ref).String())
		}, `new Uri(new Uri("https://contoso.com/a/b"), "c").AbsolutePath`, "/a/c"},
		{"static bool TryCreate(string uriString, UriKind uriKind, out Uri result)", func(_ *frame, a []any) any {
			u, ok := parseURI(toText(a[0]), integer(a[1]) != 1)
			if !ok || a[0] == nil {
				setOut(a[2], nil)
				return false
			}
			setOut(a[2], u)
			return true
		}, `Uri.TryCreate("x", UriKind.Absolute, out var u)`, "False"},
		{"static bool IsWellFormedUriString(string uriString, UriKind uriKind)", func(_ *frame, a []any) any {
			_, ok := parseURI(toText(a[0]), integer(a[1]) != 1)
			return ok && !strings.ContainsAny(toText(a[0]), " <>\"{}|\\^`")
		}, `Uri.IsWellFormedUriString("https://contoso.com/a b", UriKind.Absolute)`, "False"},
		{"static string EscapeDataString(string stringToEscape)", onText(func(s string) string { return escapeData(s, "") }), `Uri.EscapeDataString("a b/ñ")`, "a%20b%2F%C3%B1"},
		{"static string EscapeUriString(string stringToEscape)", onText(func(s string) string { return escapeData(s, ":/?#[]@!$&'()*+,;=") }), `Uri.EscapeUriString("a b/c")`, "a%20b/c"},
		{"static string UnescapeDataString(string stringToUnescape)", onText(func(s string) string { return unescapeData(s, false) }), `Uri.UnescapeDataString("a%20b+c")`, "a b+c"},
		{"string Scheme", uriText((*uriValue).scheme), `new Uri("HTTPS://contoso.com").Scheme`, "https"},
		{"string Host", uriText(func(u *uriValue) string { return u.u.Hostname() }), `new Uri("https://contoso.com:8080/").Host`, "contoso.com"},
		{"string Authority", uriText(func(u *uriValue) string { return u.u.Host }), `new Uri("https://contoso.com:8080/").Authority`, "contoso.com:8080"},
		{"int Port", func(_ *frame, a []any) any { return port(a[0].(*uriValue).need()) }, `new Uri("https://contoso.com/").Port`, "443"},
		{"string AbsolutePath", uriText((*uriValue).path), `new Uri("https://contoso.com/a%20b?c").AbsolutePath`, "/a%20b"},
		{"string LocalPath", uriText(func(u *uriValue) string { return unescapeData(u.path(), false) }), `new Uri("https://contoso.com/a%20b").LocalPath`, "/a b"},
		{"string PathAndQuery", uriText(func(u *uriValue) string { return u.path() + u.query() }), `new Uri("https://contoso.com/a?b=1").PathAndQuery`, "/a?b=1"},
		{"string Query", uriText((*uriValue).query), `new Uri("https://contoso.com/a?b=1").Query`, "?b=1"},
		{"string Fragment", uriText((*uriValue).fragment), `new Uri("https://contoso.com/a#b").Fragment`, "#b"},
		{"string AbsoluteUri", uriText(func(u *uriValue) string { return u.scheme() + "://" + u.u.Host + u.path() + u.query() + u.fragment() }), `new Uri("https://contoso.com").AbsoluteUri`, "https://contoso.com/"},
		{"string OriginalString", func(_ *frame, a []any) any { return a[0].(*uriValue).original }, `new Uri("https://contoso.com").OriginalString`, "https://contoso.com"},
		{"bool IsAbsoluteUri", func(_ *frame, a []any) any { return a[0].(*uriValue).absolute() }, `new Uri("/a", UriKind.Relative).IsAbsoluteUri`, "False"},
		{"bool IsDefaultPort", func(_ *frame, a []any) any { return a[0].(*uriValue).need().Port() == "" }, `new Uri("https://contoso.com:8080").IsDefaultPort`, "False"},
		{"string[] Segments", func(_ *frame, a []any) any {
			return stringArray(strings.SplitAfter(strings.TrimSuffix((a[0].(*uriValue).path()+"\x00"), "/\x00"), "/"))
		}, `new Uri("https://contoso.com/a/b").Segments[1]`, "a/"},
		{"string GetLeftPart(UriPartial part)", func(_ *frame, a []any) any {
			u := a[0].(*uriValue)
			u.need()
			s := u.scheme() + "://"
			n := integer(a[1])
			if n >= 1 {
				s += u.u.Host
			}
			if n >= 2 {
				s += u.path()
			}
			if n >= 3 {
				s += u.query()
			}
			return s
		}, `new Uri("https://contoso.com/a?b").GetLeftPart(UriPartial.Authority)`, "https://contoso.com"},
	}},
	{"WebUtility", []row{
		{"static string UrlEncode(string value)", onText(urlEncode), `System.Net.WebUtility.UrlEncode("a b&c=ñ")`, "a+b%26c%3D%C3%B1"},
		{"static string UrlDecode(string encodedValue)", onText(func(s string) string { return unescapeData(s, true) }), `System.Net.WebUtility.UrlDecode("a+b%26c")`, "a b&c"},
		{"static string HtmlEncode(string value)", onText(htmlEncode), `System.Net.WebUtility.HtmlEncode("<a href='x'>")`, "&lt;a href=&#39;x&#39;&gt;"},
		{"static string HtmlDecode(string value)", onText(html.UnescapeString), `System.Net.WebUtility.HtmlDecode("&lt;a&gt;")`, "<a>"},
	}},
	{"IPAddress", []row{
		{"static IPAddress Parse(string ipString)", func(_ *frame, a []any) any {
			ip, ok := parseAddress(text(a, 0))
			if !ok {
				throw("FormatException", "An invalid IP address was specified.")
			}
			return ip
		}, `IPAddress.Parse("10.0.0.1").ToString()`, "10.0.0.1"},
		{"static bool TryParse(string ipString, out IPAddress address)", func(_ *frame, a []any) any {
			ip, ok := parseAddress(toText(a[0]))
			if !ok {
				setOut(a[1], nil)
				return false
			}
			setOut(a[1], ip)
			return true
		}, `IPAddress.TryParse("x", out var ip)`, "False"},
		{"static bool IsLoopback(IPAddress address)", func(_ *frame, a []any) any {
			ip, ok := a[0].(netip.Addr)
			if !ok {
				throwArgumentNull("address")
			}
			return ip.IsLoopback()
		}, `IPAddress.IsLoopback(IPAddress.Parse("::1"))`, "True"},
		{"byte[] GetAddressBytes()", func(_ *frame, a []any) any { return a[0].(netip.Addr).AsSlice() }, `IPAddress.Parse("10.0.0.1").GetAddressBytes()[0]`, "10"},
		{"AddressFamily AddressFamily", func(_ *frame, a []any) any {
			if a[0].(netip.Addr).Is4() {
				return enum("AddressFamily", "InterNetwork")
			}
			return enum("AddressFamily", "InterNetworkV6")
		}, `IPAddress.Parse("10.0.0.1").AddressFamily`, "InterNetwork"},
	}},
}
