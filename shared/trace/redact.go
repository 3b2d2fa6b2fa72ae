package trace

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"toolgate/shared/pattern"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	redacted = "[secret]"
	// minSecret is the least length of a secret that is looked for in texts, in
	// bytes: shorter ones are in every other word.
	minSecret = 6
)

// telling are parts of the names of headers, parameters and variables that hold
// credentials.
var telling = []string{
	"auth", "token", "key", "secret", "credential", "password", "passwd", "pwd", "cookie", "session", "signature", "jwt", "assertion",
	"certificate", "connectionstring", "connection-string",
}

// harmless are names with a telling part that are of no credential.
var harmless = map[string]bool{
	"www-authenticate": true, "x-client-key-id": true, "keep-alive": true, "authority": true, ":authority": true,
	"idempotency-key": true, "partition-key": true, "counter-key": true,
}

// sensitive tells whether something of a name is not to be shown. A name that is
// taken for that of a credential in vain costs a value in the trace.
func sensitive(name string) bool {
	name = strings.ToLower(name)
	if harmless[name] {
		return false
	}
	// A signature in the query of a URL of Azure Storage, and codes of OAuth and of functions.
	if name == "sig" || name == "code" {
		return true
	}
	return slices.ContainsFunc(telling, func(part string) bool { return strings.Contains(name, part) })
}

// shownHeader is a header as traces show it.
func shownHeader(name string, values []string) string {
	if len(values) > 0 && sensitive(name) {
		return redacted
	}
	return strings.Join(values, ", ")
}

// tokens are JSON Web Tokens, and what follows the name of a scheme of
// Authorization, wherever they stand.
var tokens = pattern.Lazy(`eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*|(?i:\b(bearer|basic|sharedaccesssignature|apikey))\s+[A-Za-z0-9._~+/=&%-]{6,}`)

// secrets are those that the request brought, or that were made for it.
type secrets struct {
	mu   sync.Mutex
	list []string
}

// learn keeps a text out of the trace, however it is written in a URL.
func (s *secrets) learn(text string) {
	text = strings.TrimSpace(text)
	if len(text) < minSecret {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range []string{text, url.QueryEscape(text), url.PathEscape(text)} {
		if !slices.Contains(s.list, form) {
			s.list = append(s.list, form)
		}
	}
}

// learnHeader learns the credentials of a header.
func (s *secrets) learnHeader(h http.Header) {
	for name, values := range h {
		if !sensitive(name) {
			continue
		}
		for _, v := range values {
			s.learn(v)
			scheme, rest, found := strings.Cut(strings.TrimSpace(v), " ")
			if !found || !strings.HasSuffix(strings.ToLower(name), "authorization") {
				continue
			}
			s.learn(rest)
			if strings.EqualFold(scheme, "Basic") {
				s.learnBasic(rest)
			}
		}
	}
}

// learnBasic learns the password of a user (RFC 7617).
func (s *secrets) learnBasic(text string) {
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return
	}
	_, password, _ := strings.Cut(string(plain), ":")
	s.learn(string(plain))
	s.learn(password)
}

// replacer takes the secrets out of texts, the longest first: one that is part of
// another must not leave the rest of it to be read.
func (s *secrets) replacer() *strings.Replacer {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(s.list))
	for _, one := range s.list {
		pairs = append(pairs, one, redacted)
	}
	return strings.NewReplacer(pairs...)
}

// keep is a text without the secrets that are known from the beginning, cut to what
// is kept until the others are known.
func (r *Recorder) keep(text string) string {
	if text == "" {
		return text
	}
	whole := len(text) <= maxSeen
	if !whole {
		text = text[:maxSeen]
	}
	if r.options.Redact != nil {
		text = r.options.Redact(text)
	}
	text = tokens().ReplaceAllString(text, redacted)
	if len(text) > maxKept {
		return text[:maxKept]
	}
	if !whole { // so much was taken out of it that its end might be a piece of a secret
		return redacted
	}
	return text
}

// clean is a text that was kept, without secrets. Where it was cut, a piece of one
// may be left at its end.
func (s *secrets) clean(replacer *strings.Replacer, text string) string {
	if len(text) == maxKept {
		for _, secret := range s.list {
			text = text[:len(text)-overlap(text, secret)]
		}
	}
	return cut(replacer.Replace(text))
}

// overlap is the length of the longest beginning of a secret that a text ends with.
func overlap(text, secret string) int {
	for n := min(len(secret), len(text)); n > 0; n-- {
		if strings.HasSuffix(text, secret[:n]) {
			return n
		}
	}
	return 0
}

// redact takes all secrets out of a trace. That is done at the end, when all of
// them are known: a policy may have read one before another one told what it is.
func (r *Recorder) redact(t *Trace) {
	replacer := r.secrets.replacer()
	r.secrets.mu.Lock()
	defer r.secrets.mu.Unlock()
	clean := func(texts ...*string) {
		for _, text := range texts {
			*text = r.secrets.clean(replacer, *text)
		}
	}
	clean(&t.Name, &t.Error, &t.Method)
	if c := t.Call; c != nil {
		r.redactCall(c, replacer)
	}
	for _, s := range t.All() {
		clean(&s.Name)
		if f := s.Failure; f != nil {
			clean(&f.Message, &f.Cause)
		}
		for i := range s.Effects {
			e := &s.Effects[i]
			clean(&e.Name, &e.Before, &e.After)
		}
	}
}

// redactCall takes the secrets out of what was asked. They have no characters that
// would end a text of JSON, and neither has what stands in their place.
func (r *Recorder) redactCall(c *Call, replacer *strings.Replacer) {
	text := func(text string) string {
		if r.options.Redact != nil {
			text = r.options.Redact(text)
		}
		return tokens().ReplaceAllString(replacer.Replace(text), redacted)
	}
	c.Target = text(c.Target)
	for name, value := range c.Headers {
		c.Headers[name] = text(value)
	}
	for _, raw := range []*jsontext.Value{&c.Params, &c.Claims} {
		if clean := jsontext.Value(text(string(*raw))); len(*raw) > 0 && clean.IsValid() {
			*raw = clean
		} else {
			*raw = nil
		}
	}
}
