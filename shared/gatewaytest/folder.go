package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"toolgate/shared/build"
	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/policies"
	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"
	"toolgate/shared/services"

	"golang.org/x/tools/txtar"
)

// Folder is the gateway of tests that have none of their own. It is compiled
// once for each environment that tests give it.
type Folder struct {
	Dir string
	// Fetch reads OpenAPI documents given by URL; nil: they are faults.
	Fetch build.Fetch
	// Env has the environment variables that a test does not set; nil: there are no
	// others.
	Env func(name string) (value string, ok bool)

	mu       sync.Mutex
	compiled map[string]compiled // by environment
}

type compiled struct {
	snapshot []byte
	err      error
}

// compile compiles the folder for an environment, once.
func (f *Folder) compile(ctx context.Context, env map[string]string) ([]byte, error) {
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&key, "%q=%q ", name, env[name])
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c, ok := f.compiled[key.String()]; ok {
		return c.snapshot, c.err
	}
	var c compiled
	c.snapshot, c.err = f.build(ctx, env)
	if f.compiled == nil {
		f.compiled = map[string]compiled{}
	}
	f.compiled[key.String()] = c
	return c.snapshot, c.err
}

func (f *Folder) build(ctx context.Context, env map[string]string) ([]byte, error) {
	fetch := f.Fetch
	if fetch == nil {
		fetch = func(context.Context, string) ([]byte, error) {
			return nil, errors.New("this test fetches no documents")
		}
	}
	cfg, faults := f.load(env)
	if cfg == nil {
		return nil, faults
	}
	result, err := build.Build(ctx, cfg, fetch)
	if more, ok := errors.AsType[fault.Faults](err); ok || len(faults) > 0 {
		return nil, append(faults, more...).Sorted()
	}
	if err != nil {
		return nil, err
	}
	return result.Snapshot, nil
}

// load reads gateway.yaml with an environment.
func (f *Folder) load(env map[string]string) (*config.Config, fault.Faults) {
	return config.Load(f.Dir, func(name string) (string, bool) {
		value, ok := env[name]
		if !ok && f.Env != nil {
			return f.Env(name)
		}
		return value, ok
	})
}

// document runs a test of a policy document. The folder may be nil.
func (f *Folder) document(ctx context.Context, a *txtar.Archive) (string, error) {
	o := policytest.Options{
		Policies: policies.Registry(),
		ServicesOver: func(now func() time.Time, backends http.RoundTripper) *policy.Services {
			s := services.New(services.Options{Transport: backends, Now: now})
			return &s
		},
	}
	if f != nil {
		if err := f.give(&o); err != nil {
			return "", err
		}
	}
	return policytest.Transcript(ctx, a, o)
}

// give puts what the folder has into the options of a test. Of a folder with
// faults it gives what can be read: those faults need not concern the document.
func (f *Folder) give(o *policytest.Options) error {
	cfg, faults := f.load(nil)
	if cfg == nil {
		return faults
	}
	o.Document = f.read
	o.NamedValues, o.Fragments, o.Backends = map[string]string{}, map[string][]byte{}, map[string]*policy.BackendEntity{}
	for _, v := range cfg.NamedValues {
		if v.Unknown {
			continue
		}
		text, err := v.Value.Resolve(func(ref string) (string, error) {
			_, name, _ := strings.Cut(ref, ":")
			return name, nil
		})
		if err != nil {
			return err
		}
		o.NamedValues[v.Name] = text
	}
	for _, file := range cfg.Fragments {
		content, err := os.ReadFile(file.Path)
		if err != nil {
			return fmt.Errorf("reading the fragment %s: %w", file.ID, err)
		}
		o.Fragments[file.ID] = content
	}
	for _, b := range cfg.Backends {
		if e := entity(cfg.Backends, &b); e.URL != nil {
			o.Backends[b.Name] = e
		}
	}
	return nil
}

// entity is a backend as policies see it, a pool with the URL of its first
// member.
func entity(all []config.Backend, b *config.Backend) *policy.BackendEntity {
	c := &b.Credentials
	e := &policy.BackendEntity{ID: b.Name, Pool: b.Pool != nil, Credentials: c.Given()}
	address := b.URL
	if len(b.Pool) > 0 {
		for _, m := range all {
			if m.Name == b.Pool[0].Backend {
				address = m.URL
			}
		}
	}
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		e.URL = u
	}
	return e
}

// read reads a file by its path in the folder.
func (f *Folder) read(name string) ([]byte, error) {
	path := filepath.FromSlash(name)
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("%s is outside of the folder", name)
	}
	return os.ReadFile(filepath.Join(f.Dir, path))
}
