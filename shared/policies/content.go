package policies

import (
	"mime"
	"strings"

	"toolgate/shared/policy"
)

// setContent gives the target a body of UTF-8 text, and the media type unless
// it is empty. Headers that told of the encoding of the body before tell of
// this one.
func setContent(x *policy.Exchange, content []byte, mediaType string) {
	h := x.Target.Header()
	x.Target.SetBody(content)
	if h["Content-Encoding"] != nil {
		x.SetHeader("Content-Encoding", nil)
	}
	if mediaType != "" {
		x.SetHeader("Content-Type", []string{mediaType})
		return
	}
	was := h.Get("Content-Type")
	if !strings.Contains(strings.ToLower(was), "charset") {
		return
	}
	kind, parameters, err := mime.ParseMediaType(was)
	if err != nil || strings.EqualFold(parameters["charset"], "utf-8") {
		return
	}
	parameters["charset"] = "utf-8"
	if now := mime.FormatMediaType(kind, parameters); now != "" {
		x.SetHeader("Content-Type", []string{now})
	}
}

// isMediaType tells whether a Content-Type is of a format, json or xml, whether
// as application/json, as text/xml or by a suffix (RFC 6839).
func isMediaType(contentType, format string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	_, sub, _ := strings.Cut(strings.ToLower(strings.TrimSpace(kind)), "/")
	return sub == format || strings.HasSuffix(sub, "+"+format)
}
