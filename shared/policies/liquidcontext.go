package policies

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"toolgate/shared/expr"
	"toolgate/shared/liquid"
	"toolgate/shared/policy"
)

// liquidInput is the message whose body a template sees: the target, or, while
// a policy makes a request that has no body of its own, the message of the
// section. A response that return-response makes has none.
func liquidInput(x *policy.Exchange) (policy.Message, bool) {
	t := x.Target
	switch {
	case t.Response != nil:
		return t, t.Response == x.Response
	case t.Request == x.Request, t.Body().Len() > 0:
		return t, true
	case x.Response != nil:
		return policy.Message{Response: x.Response}, true
	default:
		return policy.Message{Request: x.Request}, true
	}
}

// liquidBindings are the variables of a template: body, and the part of the
// context that API Management documents, with the variables of the policies.
// The method before set-method is not known.
func liquidBindings(x *policy.Exchange, body any) liquid.Bindings {
	c := map[string]any{"Request": liquidRequest(x.Request), "Variables": liquidVariables(x)}
	if x.Response != nil {
		c["Response"] = map[string]any{
			"StatusCode": x.Response.StatusCode, "StatusReason": x.Response.StatusReason,
			"Method": x.Request.Method, "Headers": liquidHeaders(x.Response.Headers),
		}
	}
	return liquid.Bindings{"body": body, "context": c}
}

func liquidRequest(r *expr.Request) map[string]any {
	m := map[string]any{
		"Method": r.Method, "IpAddress": r.IPAddress, "MatchedParameters": r.MatchedParameters,
		"HasBody": policy.Message{Request: r}.Body().Len() != 0, "Headers": liquidHeaders(r.Headers),
	}
	if r.URL != nil {
		m["Url"] = liquidURL(r.URL)
	}
	if r.OriginalURL != nil {
		m["OriginalUrl"] = liquidURL(r.OriginalURL)
	}
	if r.Certificate != nil {
		m["ClientCertificates"] = []any{map[string]any{"Subject": r.Certificate.Subject.String(), "Issuer": r.Certificate.Issuer.String()}}
	}
	return m
}

func liquidURL(u *url.URL) map[string]any {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	number, _ := strconv.Atoi(port)
	query := map[string]any{}
	for name, values := range u.Query() {
		query[name] = strings.Join(values, ",")
	}
	m := map[string]any{
		"Scheme": u.Scheme, "Host": u.Hostname(), "Port": number, "Path": u.EscapedPath(), "Query": query,
		"QueryString": "", "ToString": u.String(), "ToUri": u.String(),
	}
	if u.RawQuery != "" {
		m["QueryString"] = "?" + u.RawQuery
	}
	return m
}

func liquidHeaders(h http.Header) map[string]any {
	m := make(map[string]any, len(h))
	for name, values := range h {
		m[name] = strings.Join(values, ",")
	}
	return m
}

// liquidVariables are the variables as a template can see them: JSON by its
// members, other values of .NET as their text.
func liquidVariables(x *policy.Exchange) map[string]any {
	m := map[string]any{}
	if x.Variables == nil {
		return m
	}
	for name, value := range x.Variables.All() {
		switch v := value.(type) {
		case nil, bool, string, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64:
			m[name] = v
		case *expr.Response:
		case expr.JToken:
			if text, err := expr.Text(v); err == nil {
				if read, err := liquid.BodyFromJSON([]byte(text), false); err == nil {
					m[name] = read
				} else {
					m[name] = text // the text of a string is not in quotes
				}
			}
		default:
			if text, err := expr.Text(v); err == nil {
				m[name] = text
			}
		}
	}
	return m
}
