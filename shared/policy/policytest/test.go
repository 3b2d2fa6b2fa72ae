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
// ip, subscription, user, groups (of the user), product, mcp (a method, and for tools/call the tool),
// certificate (the client's, as base64 of its DER), trusted-certificate (that of an
// authority, likewise: without it no client certificate is trusted), and
// backend-entity ID (its URL, and the word credentials when it has some).
package policytest

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"toolgate/shared/policy"

	"golang.org/x/tools/txtar"
)

// test is a test as it was read.
type test struct {
	documents map[policy.Scope]txtar.File
	fragments []txtar.File
	settings  settings
	script    []*answer
	steps     []step
}

// step is a request, or a time to wait.
type step struct {
	wait    time.Duration
	request *message
}

// message is a request or a response as it is written.
type message struct {
	first  string // METHOD target, or a status
	header http.Header
	body   []byte
}

// answer is a scripted response.
type answer struct {
	method, url string // patterns; empty: any
	message
	used bool
}

var scopes = map[string]policy.Scope{
	"global": policy.ScopeGlobal, "product": policy.ScopeProduct, "api": policy.ScopeAPI, "operation": policy.ScopeOperation,
	"server": policy.ScopeServer, "tool": policy.ScopeTool,
}

// read reads an archive.
func read(a *txtar.Archive) (*test, error) {
	t := &test{documents: map[policy.Scope]txtar.File{}, settings: newSettings()}
	for _, f := range a.Files {
		if err := t.file(f); err != nil {
			return nil, fmt.Errorf("-- %s --: %w", f.Name, err)
		}
	}
	if f, ok := t.documents[0]; ok {
		delete(t.documents, 0)
		t.documents[t.settings.scope] = f
	}
	return t, nil
}

func (t *test) file(f txtar.File) (err error) {
	kind, rest, _ := strings.Cut(f.Name, " ")
	name, isDocument := strings.CutSuffix(kind, ".xml")
	switch {
	case kind == "policy.xml":
		t.documents[0] = f
	case isDocument && scopes[name] != 0:
		t.documents[scopes[name]] = f
	case kind == "fragment":
		t.fragments = append(t.fragments, txtar.File{Name: rest, Data: f.Data})
	case kind == "settings":
		err = t.settings.read(f.Data)
	case kind == "backend":
		method, url, _ := strings.Cut(rest, " ")
		a := &answer{method: method, url: url}
		a.message, err = readMessage(f.Data)
		t.script = append(t.script, a)
	case kind == "request":
		m, failed := readMessage(f.Data)
		t.steps, err = append(t.steps, step{request: &m}), failed
	case kind == "wait":
		var d time.Duration
		d, err = time.ParseDuration(rest)
		t.steps = append(t.steps, step{wait: d})
	case kind == "want":
	default:
		err = fmt.Errorf("a test has no such file; write policy.xml, fragment, settings, backend, request, wait or want")
	}
	return err
}

// readMessage reads a first line, headers, an empty line and a body. The line
// end that closes the file is no part of the body.
func readMessage(data []byte) (message, error) {
	m := message{header: http.Header{}}
	r := bufio.NewReader(bytes.NewReader(data))
	for n := 0; ; n++ {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if n == 0 {
			m.first = line
		} else if line == "" {
			break
		} else {
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				return m, fmt.Errorf("line %d is no header: %s", n+1, line)
			}
			m.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
		if err != nil {
			return m, nil
		}
	}
	var body bytes.Buffer
	_, _ = body.ReadFrom(r) // a reader of memory
	m.body = bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	return m, nil
}
