package secret

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a vault in memory.
type fake struct {
	mu     sync.Mutex
	values map[string]string
	err    error
	reads  int
	takes  time.Duration
}

func (v *fake) Read(ctx context.Context, names []string) []Outcome {
	select {
	case <-time.After(v.takes):
	case <-ctx.Done():
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads++
	list := make([]Outcome, len(names))
	for i, name := range names {
		text, ok := v.values[name]
		switch {
		case v.err != nil:
			list[i].Err = v.err
		case ctx.Err() != nil:
			list[i].Err = &Error{Temporary: true, Err: ctx.Err()}
		case !ok:
			list[i].Err = &Error{Err: errors.New("there is none")}
		default:
			list[i].Text = text
		}
	}
	return list
}

func (v *fake) set(text string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values["/a"], v.err = text, err
}

func (v *fake) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.reads
}

const fixedKey = "keyvault:https://contoso.vault.azure.net/secrets/a/0123456789abcdef0123456789abcdef"

func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parameters := &fake{values: map[string]string{"/a": "old"}, takes: time.Second}
		manager := &fake{values: map[string]string{"db": `{"user":"u","port":5432,"list":[],"on":true}`}, takes: time.Second}
		var log bytes.Buffer
		k := New(Options{
			Lookup: func(name string) (string, bool) { return "value of " + name, name != "NONE" },
			Vaults: map[string]Vault{ParameterStore: parameters, AWSSecrets: manager},
			Log:    slog.New(slog.NewTextHandler(&log, nil)),
		})
		start := time.Now()
		if err := k.Read(t.Context(), []string{"env:A", "ssm:/a", "secretsmanager:db#user", "secretsmanager:db#port"}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != time.Second || manager.count() != 1 {
			t.Errorf("took %v and %d reads: the vaults are to be read side by side, and a secret once", took, manager.count())
		}
		for ref, want := range map[string]string{
			"env:A": "value of A", "env:NONE": "NONE is not set", "ssm:/a": "old", "ssm:/b": "not read when the gateway started", "a": "does not refer",
			"secretsmanager:db#user": "u", "secretsmanager:db#port": "5432", "secretsmanager:db#on": "true", "secretsmanager:db#list": "no text",
			"secretsmanager:db#none": `no member "none"`, "ssm:/a#b": "does not refer",
		} {
			got, err := k.Resolve(ref)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, want) {
				t.Errorf("%s: got %s, want %s", ref, got, want)
			}
		}
		renew := func(want bool, value string) {
			t.Helper()
			if k.Due() {
				t.Error("it is due too early")
			}
			time.Sleep(RenewEvery)
			if !k.Due() {
				t.Error("it is not due")
			}
			changed, err := k.Renew(t.Context())
			if got, _ := k.Resolve("ssm:/a"); changed != want || err != nil || got != value {
				t.Errorf("got %t, %v, %s; want %t, %s", changed, err, got, want, value)
			}
		}
		renew(false, "old")
		parameters.set("new", nil)
		renew(true, "new")
		parameters.set("newer", &Error{Vault: "v", Temporary: true, Err: errors.New("down")})
		renew(false, "new") // the old value goes on
		time.Sleep(retryEvery)
		parameters.set("newer", nil)
		if changed, err := k.Renew(t.Context()); !changed || err != nil {
			t.Errorf("got %t, %v", changed, err)
		}
		if text := log.String(); strings.Count(text, "a secret has changed") != 2 || strings.Count(text, "its old value goes on") != 1 || strings.Contains(text, "newer") {
			t.Errorf("got %s", text)
		}
	})
}

// A vault that does not answer at start is asked again, and what is missing is
// named; it is there once the vault answers.
func TestMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fake{values: map[string]string{"/a": "here"}, err: &Error{Vault: "the store", Temporary: true, Err: errors.New("down")}}
		k := New(Options{Vaults: map[string]Vault{ParameterStore: v}})
		err := k.Read(t.Context(), []string{"ssm:/a", "secretsmanager:b"})
		if err == nil || !strings.Contains(err.Error(), `reading the secret "ssm:/a": the store: down`) || !strings.Contains(err.Error(), "this host cannot reach AWS Secrets Manager") {
			t.Errorf("got %v", err)
		}
		if v.count() != attempts {
			t.Errorf("asked %d times, want %d", v.count(), attempts)
		}
		if _, err := k.Resolve("ssm:/a"); err == nil || k.Due() {
			t.Errorf("got %v, due %t", err, k.Due())
		}
		time.Sleep(missingEvery)
		if !k.Due() {
			t.Error("it is not due")
		}
		v.set("here", nil)
		if changed, err := k.Renew(t.Context()); !changed || err == nil || strings.Contains(err.Error(), "ssm:/a") {
			t.Errorf("got %t, %v", changed, err)
		}
		if got, err := k.Resolve("ssm:/a"); got != "here" {
			t.Errorf("got %s, %v", got, err)
		}
	})
}

// A vault that hangs holds a start up for readTimeout at most.
func TestSlowVault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fake{values: map[string]string{}, takes: time.Hour}
		k := New(Options{Vaults: map[string]Vault{ParameterStore: v}})
		start := time.Now()
		if err := k.Read(t.Context(), []string{"ssm:/a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > readTimeout {
			t.Errorf("took %v", took)
		}
	})
}

// What names a version, or is in the environment, is not looked at again.
func TestFixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fake{values: map[string]string{strings.TrimPrefix(fixedKey, "keyvault:"): "a"}}
		k := New(Options{Vaults: map[string]Vault{KeyVault: v}})
		if err := k.Read(t.Context(), []string{fixedKey, "env:A"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if changed, err := k.Renew(t.Context()); k.Due() || changed || err != nil || v.count() != 1 {
			t.Errorf("due %t, changed %t, %v, %d reads", k.Due(), changed, err, v.count())
		}
		if _, err := k.Resolve("env:A"); err == nil {
			t.Error("there is no environment")
		}
	})
}

func TestLongSecret(t *testing.T) {
	v := &fake{values: map[string]string{"/a": strings.Repeat("x", maxSecret+1)}}
	k := New(Options{Vaults: map[string]Vault{ParameterStore: v}})
	if err := k.Read(t.Context(), []string{"ssm:/a"}); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
}
