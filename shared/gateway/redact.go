package gateway

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"

	"toolgate/shared/fault"
	"toolgate/shared/mcp"
)

// redactor keeps secrets out of what the gateway writes to logs: a policy that fails
// may quote a named value. It knows the secrets that were resolved for the gateway.
type redactor struct {
	mu       sync.Mutex
	secrets  []string
	replacer *strings.Replacer // nil: to be made
}

const (
	// minRedacted is the least length of a secret that is looked for, in bytes:
	// shorter ones are in every other word.
	minRedacted = 6
	redacted    = "[secret]"
)

// recording is a function that resolves secrets, with a note of each.
func (r *redactor) recording(resolve func(string) (string, error)) func(string) (string, error) {
	if resolve == nil {
		return nil
	}
	return func(ref string) (string, error) {
		text, err := resolve(ref)
		if err == nil && len(text) >= minRedacted {
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, form := range []string{text, url.QueryEscape(text), url.PathEscape(text), inJSON(text)} { // it may stand in a URL, or in a result
				if !slices.Contains(r.secrets, form) {
					r.secrets, r.replacer = append(r.secrets, form), nil
				}
			}
		}
		return text, err
	}
}

// inJSON is a text as it stands in JSON.
func inJSON(text string) string {
	quoted := mcp.AppendString(nil, text)
	return string(quoted[1 : len(quoted)-1])
}

// text is a text without secrets.
func (r *redactor) text(text string) string {
	r.mu.Lock()
	if r.replacer == nil {
		// One that is part of another must not leave the rest of it to be read.
		slices.SortFunc(r.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
		var pairs []string
		for _, secret := range r.secrets {
			pairs = append(pairs, secret, redacted)
		}
		r.replacer = strings.NewReplacer(pairs...)
	}
	replacer := r.replacer
	r.mu.Unlock()
	return replacer.Replace(text)
}

// redactedError is an error whose text had a secret in it.
type redactedError struct {
	error
	text string
	from *redactor
}

// Error is the text without the secret.
func (e *redactedError) Error() string { return e.text }

// Unwrap is the error itself.
func (e *redactedError) Unwrap() error { return e.error }

// As serves errors.As: faults are shown one by one, and a policy document may be
// faulty for a secret that stands in it.
func (e *redactedError) As(target any) bool {
	to, ok := target.(*fault.Faults)
	found, is := errors.AsType[fault.Faults](e.error)
	if !ok || !is {
		return false
	}
	clean := slices.Clone(found)
	for i := range clean {
		clean[i].Message, clean[i].Fix = e.from.text(clean[i].Message), e.from.text(clean[i].Fix)
	}
	*to = clean
	return true
}

// err is an error without secrets in its text; nil stays nil.
func (r *redactor) err(err error) error {
	if err == nil {
		return nil
	}
	before := err.Error()
	if text := r.text(before); text != before {
		return &redactedError{err, text, r}
	}
	return err
}

// log is a log that secrets are kept out of.
func (r *redactor) log(l *slog.Logger) *slog.Logger {
	return slog.New(&redactingHandler{l.Handler(), r})
}

// observing is an observer that is told no secrets; nil stays nil.
func (r *redactor) observing(observe func(Call)) func(Call) {
	if observe == nil {
		return nil
	}
	return func(c Call) {
		c.Err = r.err(c.Err)
		observe(c)
	}
}

// redactingHandler is a handler of logs that takes secrets out of texts and errors.
type redactingHandler struct {
	slog.Handler
	*redactor
}

// Handle hands a record on.
func (h *redactingHandler) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, h.text(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs makes a handler that adds attributes.
func (h *redactingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return &redactingHandler{h.Handler.WithAttrs(clean), h.redactor}
}

// WithGroup makes a handler that puts attributes into a group.
func (h *redactingHandler) WithGroup(name string) slog.Handler {
	return &redactingHandler{h.Handler.WithGroup(name), h.redactor}
}

func (h *redactingHandler) attr(a slog.Attr) slog.Attr {
	value := a.Value.Resolve()
	switch value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, h.text(value.String()))
	case slog.KindGroup:
		var clean []slog.Attr
		for _, inner := range value.Group() {
			clean = append(clean, h.attr(inner))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindAny:
		if err, ok := value.Any().(error); ok {
			return slog.Any(a.Key, h.err(err))
		}
		return slog.Attr{Key: a.Key, Value: value}
	default:
		return slog.Attr{Key: a.Key, Value: value}
	}
}
