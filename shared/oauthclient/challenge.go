package oauthclient

import "strings"

// challenge is what a protected resource says of the access that it wants, in
// WWW-Authenticate (RFC 6750, 3; RFC 9728, 5.1).
type challenge struct {
	metadata string   // URL of the protected resource metadata; empty for none
	err      string   // such as insufficient_scope; empty for none
	scopes   []string // nil for none
}

// parseChallenge reads the first challenge of the scheme Bearer. What is malformed
// is passed over: there are servers enough that quote wrongly.
func parseChallenge(headers []string) challenge {
	var c challenge
	for _, h := range headers {
		parameters, ok := bearer(h)
		if !ok {
			continue
		}
		c.metadata, c.err = parameters["resource_metadata"], parameters["error"]
		if text := parameters["scope"]; len(text) <= maxScopes {
			c.scopes = union(strings.Fields(text))
		}
		return c
	}
	return c
}

// bearer are the parameters of the first challenge of the scheme Bearer (RFC 9110,
// 11.6.1).
func bearer(s string) (parameters map[string]string, ok bool) {
	scheme := ""
	for s = skip(s); s != ""; s = skip(s) {
		name := word(s)
		if name == "" {
			s = s[1:] // belongs to nothing
			continue
		}
		rest := s[len(name):]
		value, isParameter := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "=")
		if !isParameter {
			if scheme == "bearer" {
				return parameters, true // another challenge
			}
			scheme, parameters, s = strings.ToLower(name), map[string]string{}, rest
			continue
		}
		text, after := parameterValue(strings.TrimLeft(value, " \t"))
		if _, again := parameters[strings.ToLower(name)]; parameters != nil && !again {
			parameters[strings.ToLower(name)] = text
		}
		s = after
	}
	return parameters, scheme == "bearer"
}

// skip is what follows spaces and commas.
func skip(s string) string { return strings.TrimLeft(s, " \t,") }

// word is the token that begins a text; empty for none.
func word(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) })
	if end < 0 {
		return s
	}
	return s[:end]
}

// parameterValue is a value, quoted or not, and what follows it.
func parameterValue(s string) (value, after string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t,")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return text.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
			text.WriteByte(s[i])
		default:
			text.WriteByte(s[i])
		}
	}
	return text.String(), ""
}

// union are the texts of lists, each once and in their order; nil for none.
func union(lists ...[]string) []string {
	var all []string
	seen := map[string]bool{}
	for _, list := range lists {
		for _, s := range list {
			if s != "" && !seen[s] {
				seen[s] = true
				all = append(all, s)
			}
		}
	}
	return all
}
