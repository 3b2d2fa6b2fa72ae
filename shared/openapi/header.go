package openapi

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// reservedHeaders are never parameters, in canonical form: they belong to the
// connection (RFC 9110 section 7.6.1), to the gateway's own credential, or to
// other parts of the request.
var reservedHeaders = []string{
	"Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type",
	"Cookie", "Expect", "Host", "Keep-Alive", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
}

// maxHeader bounds the value of one header, in bytes.
const maxHeader = 16 << 10

func isReservedHeader(canonical string) bool {
	return slices.Contains(reservedHeaders, canonical) || strings.HasPrefix(canonical, "Proxy-")
}

// bindHeader sets the header of one parameter. A header's value is not
// percent-encoded.
func (x *binder) bindHeader(p *Param, v jsontext.Value, header http.Header) error {
	name := http.CanonicalHeaderKey(p.Name)
	if !isToken(name) || isReservedHeader(name) {
		return x.fault("the header " + p.Name + " cannot be a parameter")
	}
	value, n, err := x.appendHeaderValue(x.value[:0], p, v)
	x.value = value
	if err != nil {
		return err
	}
	if len(value) > maxHeader {
		return tooLong(maxHeader)
	}
	if n > 0 || p.Required {
		header[name] = []string{string(value)}
	}
	return nil
}

func (x *binder) appendHeaderValue(dst []byte, p *Param, v jsontext.Value) ([]byte, int, error) {
	if p.Content != "" {
		x.text = appendContent(x.text[:0], p.Content, v)
		dst, err := headerText(dst, x.text)
		return dst, 1, err
	}
	if p.Style != styleSimple {
		return dst, 0, x.styleFault(p)
	}
	format := listFormat{separator: ",", equals: ",", escape: headerText}
	if p.Explode {
		format.equals = "="
	}
	if kind := v.Kind(); kind == '[' || kind == '{' {
		format.escape = refusing(',', "comma", headerText)
	}
	return x.appendValue(dst, v, format)
}

func headerText(dst, text []byte) ([]byte, error) {
	if bytes.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return dst, unfitError("must not contain control characters or line breaks, as it becomes a header")
	}
	return append(dst, text...), nil
}

// bindCookie adds the cookie of one parameter to x.cookie. The form style would
// separate exploded values with an ampersand, which means nothing in a Cookie
// header: they are cookies of their own.
func (x *binder) bindCookie(p *Param, v jsontext.Value) error {
	if err := x.addCookies(p, v); err != nil {
		return err
	}
	if len(x.cookie) > maxHeader {
		return tooLong(maxHeader)
	}
	return nil
}

func (x *binder) addCookies(p *Param, v jsontext.Value) error {
	if !isToken(p.Name) {
		return x.fault("the cookie " + p.Name + " cannot be a parameter: its name is not a token")
	}
	kind := v.Kind()
	switch {
	case p.Content != "":
		x.text = appendContent(x.text[:0], p.Content, v)
		x.beginCookie(p.Name)
		x.cookie = appendEscaped(x.cookie, x.text, &cookieOctets)
		return nil
	case p.Style != styleForm:
		return x.styleFault(p)
	case p.Explode && kind == '[':
		for item := range jsonItems(v) {
			if !isNull(item) {
				x.appendCookie(p.Name, item)
			}
		}
		return nil
	case p.Explode && kind == '{':
		return x.cookieMembers(p, v)
	}
	start := len(x.cookie)
	x.beginCookie(p.Name)
	var n int
	var err error
	x.cookie, n, err = x.appendValue(x.cookie, v, listFormat{",", ",", escapeCookieText})
	if n == 0 && !p.Required {
		x.cookie = x.cookie[:start]
	}
	return err
}

func (x *binder) cookieMembers(p *Param, v jsontext.Value) error {
	for name, value := range jsonMembers(v) {
		switch member := string(name); {
		case isNull(value):
		case !isToken(member):
			return unfitError("must not have the member " + quoted(member) + ", which cannot name a cookie")
		case member != p.Name && x.binding.param(InCookie, member) != nil:
			return takenFault(member)
		default:
			x.appendCookie(member, value)
		}
	}
	return nil
}

func (x *binder) beginCookie(name string) {
	if len(x.cookie) > 0 {
		x.cookie = append(x.cookie, "; "...)
	}
	x.cookie = append(x.cookie, name...)
	x.cookie = append(x.cookie, '=')
}

func (x *binder) appendCookie(name string, v jsontext.Value) {
	x.beginCookie(name)
	x.text = appendPlainText(x.text[:0], v)
	x.cookie = appendEscaped(x.cookie, x.text, &cookieOctets)
}

func escapeCookieText(dst, text []byte) ([]byte, error) {
	return appendEscaped(dst, text, &cookieOctets), nil
}
