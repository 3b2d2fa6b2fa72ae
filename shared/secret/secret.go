// Package secret knows where secrets are: in environment variables and in vaults,
// which are Azure Key Vault, AWS Secrets Manager and the parameter store of AWS
// Systems Manager. It reads those of vaults side by side, keeps them, and reads them
// again from time to time, so that one that was rotated is noticed.
//
// The vaults are asked over HTTPS by requests of our own. These are four calls with
// JSON, for which the SDKs have three more modules to load at each cold start; the
// signatures of AWS are here already (package sigv4).
package secret

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// RenewEvery is how much time lies between two looks at the vaults, if there are
	// calls: a rotated secret is noticed within it.
	RenewEvery = 5 * time.Minute
	// retryEvery lies between two attempts while a vault does not answer: the secrets
	// that are there go on.
	retryEvery = time.Minute
	// missingEvery lies between two attempts while there is no value at all.
	missingEvery = 5 * time.Second
	// readTimeout bounds a read of all secrets, less than the 10 seconds that AWS
	// Lambda gives a program to start, and attemptTimeout one request of it.
	readTimeout, attemptTimeout = 8 * time.Second, 4 * time.Second
	// attempts are how often a vault is asked that does not answer; the pause between
	// them doubles.
	attempts, firstPause = 3, 250 * time.Millisecond
	// maxSecret bounds a secret, in bytes: what the largest vault allows.
	maxSecret = 64 << 10
)

// Outcome is what came of reading a secret.
type Outcome struct {
	Text string
	Err  error
}

// Vault reads secrets.
type Vault interface {
	// Read reads secrets by their names, each of which stands there once, in as few
	// requests as the vault allows. There is an outcome for each, in their order.
	Read(ctx context.Context, names []string) []Outcome
}

// Options are what a [Keeper] works with.
type Options struct {
	// Lookup reads environment variables; nil: there are none.
	Lookup func(name string) (string, bool)
	// Vaults are those that the host can ask, by the scheme of their references.
	Vaults map[string]Vault
	Now    func() time.Time // nil: time.Now
	// Log is told when a secret has changed, and when a vault does not answer; nil
	// discards it.
	Log *slog.Logger
}

// Keeper keeps secrets. It is safe for concurrent use.
type Keeper struct {
	Options

	reading sync.Mutex // one read at a time

	mu   sync.Mutex // guards what follows
	kept map[string]*kept
	due  time.Time // zero: never
}

// kept is a secret of a vault.
type kept struct {
	Reference
	read bool // there is a text
	text string
	err  error // of the last read; nil for none
}

// New makes a keeper that has read nothing.
func New(o Options) *Keeper {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lookup == nil {
		o.Lookup = func(string) (string, bool) { return "", false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{Options: o, kept: map[string]*kept{}}
}

// Read reads the secrets of references that it has not read yet. It ends within
// eight seconds. The error names every secret of a vault that could not be read;
// those of the environment are looked up when they are asked for.
func (k *Keeper) Read(ctx context.Context, refs []string) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	k.mu.Lock()
	for _, ref := range refs {
		r, err := Parse(ref)
		if err == nil && r.Scheme != Environment && k.kept[r.whole()] == nil {
			k.kept[r.whole()] = &kept{Reference: r}
		}
	}
	k.mu.Unlock()
	k.read(ctx, k.chosen(func(s *kept) bool { return !s.read }))
	return k.missing()
}

// Due tells whether it is time to look at the vaults again.
func (k *Keeper) Due() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.due.IsZero() && !k.Now().Before(k.due)
}

// Renew reads secrets again, except those whose reference names a version, and
// tells whether one has changed. Where a vault does not answer, the old value goes
// on; the error names the secrets that have none.
func (k *Keeper) Renew(ctx context.Context) (changed bool, err error) {
	k.reading.Lock()
	defer k.reading.Unlock()
	changed = k.read(ctx, k.chosen(func(s *kept) bool { return !s.read || !s.fixed() }))
	return changed, k.missing()
}

// Resolve returns the secret of a reference as it was read last.
func (k *Keeper) Resolve(ref string) (string, error) {
	r, err := Parse(ref)
	if err != nil {
		return "", err
	}
	if r.Scheme == Environment {
		value, ok := k.Lookup(r.Name)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", r.Name)
		}
		return value, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.kept[r.whole()]
	switch {
	case s == nil:
		return "", errors.New("it was not read when the gateway started")
	case !s.read:
		return "", s.err
	}
	return member(s.text, r.Key)
}

// chosen are the secrets for which a condition holds, in a fixed order.
func (k *Keeper) chosen(wanted func(*kept) bool) []*kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []*kept
	for _, s := range k.kept {
		if wanted(s) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *kept) int { return cmp.Compare(a.whole(), b.whole()) })
	return list
}

// missing is the error of the secrets that have no value.
func (k *Keeper) missing() error {
	var errs []error
	for _, s := range k.chosen(func(s *kept) bool { return !s.read }) {
		errs = append(errs, fmt.Errorf("reading the secret %q: %w", s.whole(), s.err))
	}
	return errors.Join(errs...)
}

// read reads secrets, those of each vault beside the others, and those again whose
// vault did not answer.
func (k *Keeper) read(ctx context.Context, list []*kept) (changed bool) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	for attempt, left := 0, list; len(left) > 0; attempt++ {
		again := k.attempt(ctx, left)
		var more bool
		more, left = k.take(again)
		changed = changed || more
		if len(left) == 0 || attempt+1 == attempts {
			break
		}
		select {
		case <-time.After(firstPause << attempt):
			continue
		case <-ctx.Done():
		}
		break
	}
	k.plan(list)
	return changed
}

// attempt asks each vault once.
func (k *Keeper) attempt(ctx context.Context, list []*kept) map[*kept]Outcome {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	byVault := map[string][]*kept{}
	for _, s := range list {
		byVault[s.Scheme] = append(byVault[s.Scheme], s)
	}
	var mu sync.Mutex
	var asked sync.WaitGroup
	found := make(map[*kept]Outcome, len(list))
	for scheme, secrets := range byVault {
		asked.Go(func() {
			outcomes := k.ask(ctx, scheme, secrets)
			mu.Lock()
			defer mu.Unlock()
			for i, s := range secrets {
				found[s] = outcomes[i]
			}
		})
	}
	asked.Wait()
	return found
}

func (k *Keeper) ask(ctx context.Context, scheme string, secrets []*kept) []Outcome {
	vault := k.Vaults[scheme]
	if vault == nil {
		err := fmt.Errorf("this host cannot reach %s: only the environment and the vaults of its own cloud", title(scheme))
		return slices.Repeat([]Outcome{{Err: err}}, len(secrets))
	}
	names := make([]string, len(secrets))
	for i, s := range secrets {
		names[i] = s.Name
	}
	return vault.Read(ctx, names)
}

// title is a vault as its cloud calls it.
func title(scheme string) string {
	switch scheme {
	case KeyVault:
		return "Azure Key Vault"
	case AWSSecrets:
		return "AWS Secrets Manager"
	default:
		return "the parameter store of AWS Systems Manager"
	}
}

// take keeps what was read. It returns the secrets that may be there at another
// attempt.
func (k *Keeper) take(found map[*kept]Outcome) (changed bool, again []*kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for s, o := range found {
		if o.Err == nil && len(o.Text) > maxSecret {
			o.Err = fmt.Errorf("the secret is longer than %d bytes", maxSecret)
		}
		failedBefore := s.err != nil
		s.err = o.Err
		switch {
		case o.Err == nil:
			if s.read && s.text != o.Text {
				changed = true
				k.Log.Info("a secret has changed", "secret", s.whole())
			}
			changed = changed || !s.read
			s.read, s.text = true, o.Text
		case s.read && !failedBefore:
			k.Log.Warn("a secret cannot be read again: its old value goes on", "secret", s.whole(), "error", o.Err.Error())
		}
		if e, ok := errors.AsType[*Error](o.Err); ok && e.Temporary {
			again = append(again, s)
		}
	}
	slices.SortFunc(again, func(a, b *kept) int { return cmp.Compare(a.whole(), b.whole()) })
	return changed, again
}

// plan says when to look at the vaults again.
func (k *Keeper) plan(list []*kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	pause, renewable := RenewEvery, false
	for _, s := range list {
		if s.err != nil {
			pause = min(pause, retryEvery)
		}
	}
	for _, s := range k.kept {
		renewable = renewable || !s.read || !s.fixed()
		if !s.read {
			pause = missingEvery
		}
	}
	k.due = time.Time{}
	if renewable {
		k.due = k.Now().Add(pause)
	}
}

// member is the text of a secret, or of a member of it.
func member(text, key string) (string, error) {
	if key == "" {
		return text, nil
	}
	var object map[string]jsontext.Value
	if json.Unmarshal([]byte(text), &object) != nil {
		return "", errors.New("the secret is no JSON object, and its reference names a member")
	}
	value, ok := object[key]
	if !ok {
		return "", fmt.Errorf("the secret has no member %q", key)
	}
	switch value.Kind() {
	case '"':
		var plain string
		if err := json.Unmarshal(value, &plain); err != nil {
			return "", fmt.Errorf("the member %q of the secret is no valid text", key)
		}
		return plain, nil
	case '0', 't', 'f':
		return string(value), nil
	default:
		return "", fmt.Errorf("the member %q of the secret is no text", key)
	}
}
