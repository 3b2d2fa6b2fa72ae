package policytest

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// settings are what surrounds the call of a test.
type settings struct {
	scope       policy.Scope
	now         time.Time
	service     *url.URL
	context     expr.Context // what does not change from call to call
	ip          string
	parameters  map[string]string
	namedValues map[string]string
	backends    map[string]*policy.BackendEntity
	certificate *expr.Certificate // the client's
	replaced    []string          // placeholders of documents, each with the text for it
}

func newSettings() settings {
	return settings{
		scope:       policy.ScopeAPI,
		now:         time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
		service:     &url.URL{Scheme: "http", Host: "backend.test"},
		ip:          "192.0.2.1",
		parameters:  map[string]string{},
		namedValues: map[string]string{},
		backends:    map[string]*policy.BackendEntity{},
		context: expr.Context{
			Api:        &expr.Api{ID: "api", Name: "api", IsCurrentRevision: true, Protocols: []string{"https"}},
			Operation:  &expr.Operation{ID: "operation", Name: "operation"},
			Deployment: &expr.Deployment{GatewayID: "managed", Region: "test", ServiceName: "test", IsManaged: true},
		},
	}
}

// inherit takes what the folder has and the test has no other of.
func (s *settings) inherit(o *Options) {
	for name, value := range o.NamedValues {
		if _, own := s.namedValues[name]; !own {
			s.namedValues[name] = value
		}
	}
	for id, b := range o.Backends {
		if s.backends[id] == nil {
			s.backends[id] = b
		}
	}
}

// set takes a line.
func (s *settings) set(key, value string) (err error) {
	kind, name, _ := strings.Cut(key, " ")
	switch kind {
	case "scope":
		if s.scope = scopes[value]; s.scope == 0 {
			err = fmt.Errorf("there is no scope %q", value)
		}
	case "now":
		s.now, err = time.Parse(time.RFC3339, value)
	case "service":
		s.service, err = url.Parse(value)
		s.context.Api.ServiceURL = s.service
	case "api":
		s.context.Api.ID, s.context.Api.Name = value, value
	case "operation":
		s.context.Operation.ID, s.context.Operation.Name = value, value
	case "template":
		s.context.Operation.URLTemplate = value
	case "method":
		s.context.Operation.Method = value
	case "parameter":
		s.parameters[name] = value
	case "named-value":
		s.namedValues[name] = value
	case "replace":
		s.replaced = append(s.replaced, name, value)
	case "region":
		s.context.Deployment.Region = value
	case "ip":
		s.ip = value
	case "subscription":
		s.context.Subscription = &expr.Subscription{ID: value, Name: value, Key: value + "-key", CreatedDate: s.now}
	case "user":
		s.context.User = &expr.User{ID: value, Email: value + "@contoso.com", FirstName: value}
	case "groups":
		err = s.setGroups(value)
	case "product":
		s.context.Product = &expr.Product{ID: value, Name: value}
	case "backend-entity":
		s.backends[name], err = backendEntity(name, value)
	case "certificate":
		s.certificate, err = certificate(value)
	case "trusted-certificate":
		err = s.trust(value)
	case "mcp":
		method, tool, _ := strings.Cut(value, " ")
		s.context.Mcp = &expr.Mcp{Method: method, ToolName: tool, ProtocolVersion: "2025-11-25", ClientName: "test", ServerName: "server"}
	default:
		err = fmt.Errorf("there is no such setting")
	}
	return err
}

// setGroups sets the groups of the user, from their ids between spaces.
func (s *settings) setGroups(ids string) error {
	if s.context.User == nil {
		return fmt.Errorf("name the user first")
	}
	for id := range strings.FieldsSeq(ids) {
		s.context.User.Groups = append(s.context.User.Groups, expr.Group{ID: id, Name: id})
	}
	return nil
}

// backendEntity reads the URL of a backend, and whether it has credentials.
func backendEntity(id, text string) (*policy.BackendEntity, error) {
	address, rest, _ := strings.Cut(text, " ")
	u, err := url.Parse(address)
	return &policy.BackendEntity{ID: id, URL: u, Credentials: strings.TrimSpace(rest) == "credentials"}, err
}

// Backend and IDs serve policy.Backends.
func (s *settings) Backend(id string) *policy.BackendEntity { return s.backends[id] }

// IDs are the ids of the backends.
func (s *settings) IDs() []string {
	var ids []string
	for id := range s.backends {
		ids = append(ids, id)
	}
	return ids
}

// certificate reads a certificate from the base64 of its DER.
func certificate(text string) (*expr.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &expr.Certificate{Certificate: c}, nil
}

// trust has client certificates verified by that of an authority.
func (s *settings) trust(text string) error {
	authority, err := certificate(text)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority.Certificate)
	s.context.Verify = func(c *expr.Certificate) error {
		_, err := c.Certificate.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: s.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		return err
	}
	return nil
}
