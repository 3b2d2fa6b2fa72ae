// Package gatewaytest runs tests of whole gateways that are written as text:
// requests of clients and calls of tools go in by the front door, backends are
// scripted, and the transcript tells what happened.
//
// A test is a txtar archive in the language of package policytest. Its comment
// says in prose what it shows. Its files are, in the order of the archive:
//
//	gateway.yaml          the gateway, with the files that it names under their own
//	                      paths (policies/x.xml, apis/orders.yaml); without it the
//	                      test is one of the folder that it stands in
//	env                   lines of NAME=value: the environment of the folder. Secrets
//	                      that are not in it have their reference without its scheme
//	                      as their value: ORDERS_KEY for env:ORDERS_KEY, /orders/key
//	                      for ssm:/orders/key; a sealing key has one of its own
//	settings              lines of key: value: now (RFC 3339) and ip, the client's
//	subscription ID       lines of key: value: key and secondary, as clients send them,
//	                      scope (all, product:NAME, api:NAME or server:NAME), name,
//	                      owner, email, state, start and end (RFC 3339)
//	backend [METHOD URL]  a scripted response, as policytest has it
//	tool URL NAME         what a tool of the MCP server at URL answers: text, or a
//	                      result as a JSON object. The server speaks all revisions,
//	                      and has the tools that are scripted; discovery and lists are
//	                      not in the transcript
//	call SERVER TOOL      a call of a tool: headers if there are any, an empty line,
//	                      and the arguments as JSON; none are {}. It is of revision
//	                      2025-11-25 unless the header MCP-Protocol-Version says
//	                      otherwise; what a revision wants in headers and _meta is put in
//	list SERVER           a call of tools/list, likewise
//	request               any other HTTP request: a method and a target, headers, an
//	                      empty line, a body
//	wait DURATION         lets time pass
//	want                  the transcript
//
// A test without calls, lists and a gateway.yaml, but with a policy document, is
// one of package policytest. The folder that it stands in gives it named values,
// fragments and backends, and the documents that it names by their paths.
//
// The transcript of a call has the status, the headers that are not the same for
// all calls, and the result for a person to read: "|" before the lines of text
// content, members such as isError and structuredContent by name. Events that came
// ahead of the result stand before it. What differs from run to run is left out.
package gatewaytest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"toolgate/shared/policy/policytest"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/tools/txtar"
)

// test is a test as it was read.
type test struct {
	files  map[string][]byte // of its own gateway; nil: it is one of a folder
	env    map[string]string
	now    time.Time
	fixed  bool // now was set
	ip     string
	script policytest.Script
	tools  upstreams
	steps  []step

	subscriptions []*subscription
}

// step is a request, or a time to wait.
type step struct {
	section policytest.Section
	wait    time.Duration
	request *request  // nil: wait
	at      time.Time // of the request; zero: as it is then
	ip      string    // of the client, from then on; empty: as before
}

// request is one HTTP request.
type request struct {
	method, target string
	header         http.Header
	body           []byte
	server, tool   string // of call and list
	arguments      jsontext.Value

	// Of recorded calls:
	claims jsontext.Value // of a token; nil: there was none
	key    string         // of a subscription; empty: none
	api    string         // that it went to; empty: to a server
	status []int          // of the backends' answers, in order
}

// stands tells whether an archive is a test of a gateway, rather than one of a
// policy document.
func stands(a *txtar.Archive) bool {
	for _, s := range policytest.Sections(a) {
		switch s.Kind {
		case "gateway.yaml", "gateway.yml", "call", "list":
			return true
		}
	}
	return !policytest.HasDocument(a)
}

// read reads an archive.
func read(a *txtar.Archive) (*test, error) {
	t := &test{
		env: map[string]string{}, ip: "192.0.2.1", now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), tools: upstreams{},
	}
	files := map[string][]byte{}
	for _, s := range policytest.Sections(a) {
		if err := t.section(s, files); err != nil {
			return nil, err
		}
	}
	if files["gateway.yaml"] != nil || files["gateway.yml"] != nil {
		t.files = files
	}
	return t, nil
}

func (t *test) section(s policytest.Section, files map[string][]byte) error {
	switch s.Kind {
	case "env":
		return s.Pairs("=", func(name, value string) error {
			t.env[name] = value
			return nil
		})
	case "settings":
		return s.Pairs(":", t.set)
	case "subscription":
		return t.subscription(s)
	case "backend":
		return t.script.Add(s)
	case "tool":
		return t.tools.add(s)
	case "call", "list":
		return t.message(s)
	case "request":
		return t.request(s)
	case "wait":
		d, err := s.Duration()
		t.steps = append(t.steps, step{section: s, wait: d})
		return err
	case "want":
		return nil
	}
	if s.Rest == "" && (strings.ContainsRune(s.Kind, '.') || strings.ContainsRune(s.Kind, '/')) {
		files[s.Kind] = s.Data
		return nil
	}
	return s.Fault(0, errors.New("a test of a gateway has no such file; write a file of its folder by its path, env, settings, subscription, backend, tool, call, list, request, wait or want"))
}

func (t *test) set(key, value string) (err error) {
	switch key {
	case "now":
		t.fixed = true
		t.now, err = time.Parse(time.RFC3339, value)
	case "ip":
		t.ip = value
	default:
		err = errors.New("there is no such setting; write now or ip")
	}
	return err
}

// request reads an HTTP request.
func (t *test) request(s policytest.Section) error {
	m, err := s.Message()
	if err != nil {
		return err
	}
	method, target, ok := strings.Cut(m.First, " ")
	if !ok || !strings.HasPrefix(target, "/") {
		return s.Fault(1, fmt.Errorf("%q is no request: write a method and a path", m.First))
	}
	t.steps = append(t.steps, step{section: s, request: &request{method: method, target: target, header: m.Header, body: m.Body}})
	return nil
}

// message reads a call of a tool, or of tools/list.
func (t *test) message(s policytest.Section) error {
	h, body, err := s.Headers("{[")
	if err != nil {
		return err
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	r := &request{header: h, arguments: jsontext.Value(body)}
	if !r.arguments.IsValid() || r.arguments.Kind() != '{' {
		return s.Fault(0, errors.New("the arguments are no JSON object"))
	}
	var more string
	if r.server, r.tool, _ = strings.Cut(s.Rest, " "); s.Kind == "list" {
		r.tool, more = "", r.tool
	} else if r.tool == "" {
		more = "?"
	}
	if r.server == "" || more != "" {
		return s.Fault(0, errors.New("write call SERVER TOOL, or list SERVER"))
	}
	t.steps = append(t.steps, step{section: s, request: r})
	return nil
}
