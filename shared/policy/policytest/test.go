// Package policytest runs tests of policies that are written as text: requests,
// scripted backends, and the transcript that is wanted.
//
// A test is a txtar archive. Its comment says in prose what it shows. Its files
// are, in the order of the archive:
//
//	policy.xml            a document of the scope that settings name (api as a rule);
//	                      global.xml, product.xml, api.xml, operation.xml, server.xml
//	                      and tool.xml are those of their scopes
//	fragment ID.xml       a fragment
//	settings              lines of key: value, below
//	backend [METHOD URL]  a scripted response: a status, headers, an empty line, a
//	                      body. It answers requests whose method and URL match the
//	                      pattern, in which * stands for anything; several of one
//	                      pattern answer in turn, and the last one again and again.
//	                      A status of "unreachable" or "timeout" fails the request.
//	request               a request: a method and a target, headers, an empty line, a
//	                      body
//	wait DURATION         lets time pass between requests
//	want                  the transcript
//
// The keys of settings are now, service (the URL of the backend), scope, api,
// operation, method and template (of the operation), parameter NAME, named-value NAME,
// replace TEXT (a placeholder of the documents that another tool fills in), region,
// ip, subscription, user, groups (of the user), product, mcp (a method, and for tools/call the tool),
// certificate (the client's, as base64 of its DER), trusted-certificate (that of an
// authority, likewise: without it no client certificate is trusted), and
// backend-entity ID (its URL, and the word credentials when it has some).
//
// The transcript has, in the order in which things happened: "backend METHOD URL" or
// "send METHOD URL" for a request, with its headers and its body behind "|";
// "response STATUS" for what the client gets; "error …" for what sent the call to
// on-error; "wait DURATION" for a policy that waits; and "trace", "metric" and "event"
// for what policies report. The faults of a document stand in its place.
package policytest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"toolgate/shared/policy"

	"golang.org/x/tools/txtar"
)

// test is a test as it was read.
type test struct {
	documents map[policy.Scope]Section
	fragments []Section
	settings  settings
	script    Script
	steps     []step
}

// step is a request, or a time to wait.
type step struct {
	section Section
	wait    time.Duration
	request *Message
}

var scopes = map[string]policy.Scope{
	"global": policy.ScopeGlobal, "product": policy.ScopeProduct, "api": policy.ScopeAPI, "operation": policy.ScopeOperation,
	"server": policy.ScopeServer, "tool": policy.ScopeTool,
}

// document is the scope of a section that is a policy document: 0 for
// policy.xml, which goes where the settings say.
func document(s *Section) (scope policy.Scope, ok bool) {
	name, ok := strings.CutSuffix(s.Kind, ".xml")
	return scopes[name], ok && (name == "policy" || scopes[name] != 0)
}

// HasDocument tells whether an archive holds a policy document, and so is a test
// for this package.
func HasDocument(a *txtar.Archive) bool {
	return slices.ContainsFunc(Sections(a), func(s Section) bool {
		_, ok := document(&s)
		return ok
	})
}

// read reads an archive.
func read(a *txtar.Archive) (*test, error) {
	t := &test{documents: map[policy.Scope]Section{}, settings: newSettings()}
	for _, s := range Sections(a) {
		if err := t.section(s); err != nil {
			return nil, err
		}
	}
	if s, ok := t.documents[0]; ok {
		delete(t.documents, 0)
		t.documents[t.settings.scope] = s
	}
	return t, nil
}

func (t *test) section(s Section) (err error) {
	scope, isDocument := document(&s)
	switch {
	case isDocument:
		t.documents[scope] = s
	case s.Kind == "fragment":
		t.fragments = append(t.fragments, s)
	case s.Kind == "settings":
		err = s.Pairs(":", t.settings.set)
	case s.Kind == "backend":
		err = t.script.Add(s)
	case s.Kind == "request":
		m, failed := s.Message()
		t.steps, err = append(t.steps, step{section: s, request: &m}), failed
	case s.Kind == "wait":
		var d time.Duration
		d, err = s.Duration()
		t.steps = append(t.steps, step{section: s, wait: d})
	case s.Kind == "want":
	default:
		err = s.Fault(0, errors.New("a test of a policy has no such file; write policy.xml, fragment, settings, backend, request, wait or want"))
	}
	return err
}
