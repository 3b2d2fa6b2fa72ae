package config

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"toolgate/shared/fault"
)

// Telemetry says what calls leave behind, and where it goes. The environment
// variables of OpenTelemetry's OTLP exporter say where if the file does not.
type Telemetry struct {
	// Endpoint is the base URL of an OTLP/HTTP collector, to which the paths of the
	// signals are added; empty where Endpoints say it, or the environment.
	Endpoint  string             `json:"endpoint,omitzero"`
	Endpoints TelemetryEndpoints `json:"endpoints,omitzero"`
	Headers   []Credential       `json:"headers,omitzero"`
	// ManagedIdentity has exports carry a token of the gateway's identity for Azure
	// Monitor.
	ManagedIdentity bool `json:"managedIdentity,omitzero"`
	// Logs exports a log record of each call.
	Logs     bool     `json:"logs,omitzero"`
	Sampling Sampling `json:"sampling"`
	// APIManagementNames has gen_ai.operation.name say what API Management says, the
	// method, in place of execute_tool.
	APIManagementNames bool `json:"apiManagementNames,omitzero"`
	// LegacyCorrelation takes and sends Request-Id as well as traceparent.
	LegacyCorrelation bool `json:"legacyCorrelation,omitzero"`
	// RequestIDHeader is the header of responses, and of requests to backends, that
	// has the id of the request, in canonical form; empty for none.
	RequestIDHeader string      `json:"requestIdHeader,omitzero"`
	Diagnostics     Diagnostics `json:"diagnostics,omitzero"`
	// EventHubs are the loggers of log-to-eventhub; one that is none of them writes to
	// the log.
	EventHubs []EventHub `json:"eventHubs,omitzero"`
}

// EventHub is a logger. It has a Key, or is written to by the gateway's identity.
type EventHub struct {
	ID      string `json:"id"`
	URL     string `json:"url"`
	KeyName string `json:"keyName,omitzero"`
	Key     Text   `json:"key,omitzero"`
}

// TelemetryEndpoints are whole URLs; a signal without one is not exported.
type TelemetryEndpoints struct {
	Traces  string `json:"traces,omitzero"`
	Metrics string `json:"metrics,omitzero"`
	Logs    string `json:"logs,omitzero"`
}

// Sampling says which calls are kept. Those that fail always are.
type Sampling struct {
	// Ratio is the share of the calls, 0 to 1, that no caller decided about.
	Ratio   float64         `json:"ratio"`
	Servers []SamplingRatio `json:"servers,omitzero"`
}

// SamplingRatio is the share of the calls of one server.
type SamplingRatio struct {
	Name  string  `json:"name"`
	Ratio float64 `json:"ratio"`
}

// Verbosity is how much is recorded of a call, in the words of API Management.
type Verbosity string

// The verbosities.
const (
	VerbosityError Verbosity = "error"       // spans of calls that fail
	Information    Verbosity = "information" // the default
	Verbose        Verbosity = "verbose"     // a span for each policy as well
)

// Diagnostics say what is written down of messages.
type Diagnostics struct {
	Verbosity Verbosity `json:"verbosity,omitzero"` // empty: Information
	// Headers are those whose values are written down, in small letters.
	Headers []string `json:"headers,omitzero"`
	Bodies  Bodies   `json:"bodies,omitzero"`
	Mask    Mask     `json:"mask,omitzero"`
}

// Bodies are how many bytes of each body are written down; 0 is none.
type Bodies struct {
	FrontendRequest  int `json:"frontendRequest,omitzero"`
	FrontendResponse int `json:"frontendResponse,omitzero"`
	BackendRequest   int `json:"backendRequest,omitzero"`
	BackendResponse  int `json:"backendResponse,omitzero"`
}

// Mask says what is not written down.
type Mask struct {
	Headers    []string `json:"headers,omitzero"`    // in small letters
	Properties []string `json:"properties,omitzero"` // of JSON: a name, or a path such as params.arguments.iban
}

// DefaultTelemetry is what applies where a file says nothing and the environment
// names a collector.
func DefaultTelemetry() Telemetry {
	return Telemetry{Sampling: Sampling{Ratio: 1}, RequestIDHeader: "X-Request-Id"}
}

// maxLoggedBody bounds what is written down of a body, as in API Management.
const maxLoggedBody = 8192

var telemetryKeys = vocabulary[Telemetry]{kind: "telemetry", check: checkTelemetry, keys: []key[Telemetry]{
	{name: "endpoint", decode: func(d *decoder, v value, t *Telemetry) { t.Endpoint = strings.TrimSuffix(d.absoluteURL(v, false), "/") }},
	{name: "endpoints", decode: func(d *decoder, v value, t *Telemetry) { decodeMapping(d, v, telemetryEndpointsKeys, &t.Endpoints) }},
	{name: "headers", decode: func(d *decoder, v value, t *Telemetry) { t.Headers = d.headers(v) }},
	{name: "managedIdentity", decode: func(d *decoder, v value, t *Telemetry) { d.flag(v, &t.ManagedIdentity) }},
	{name: "logs", decode: func(d *decoder, v value, t *Telemetry) { d.flag(v, &t.Logs) }},
	{name: "sampling", decode: func(d *decoder, v value, t *Telemetry) { decodeMapping(d, v, samplingKeys, &t.Sampling) }},
	{name: "names", decode: func(d *decoder, v value, t *Telemetry) {
		t.APIManagementNames = d.oneOf(v, "opentelemetry", "apiManagement") == "apiManagement"
	}},
	{name: "correlation", decode: func(d *decoder, v value, t *Telemetry) {
		t.LegacyCorrelation = d.oneOf(v, "w3c", "legacy") == "legacy"
	}},
	{name: "requestIdHeader", decode: func(d *decoder, v value, t *Telemetry) {
		if text, ok := d.possiblyEmpty(v); !ok || text == "" {
			t.RequestIDHeader = ""
			return
		}
		t.RequestIDHeader = http.CanonicalHeaderKey(d.matching(v, token, "write the name of a header, such as x-request-id"))
	}},
	{name: "diagnostics", decode: func(d *decoder, v value, t *Telemetry) { decodeMapping(d, v, diagnosticsKeys, &t.Diagnostics) }},
	{name: "eventHubs", decode: func(d *decoder, v value, t *Telemetry) {
		for id, item := range d.entities(v, "event hub") {
			h := EventHub{ID: id}
			decodeMapping(d, item, eventHubKeys, &h)
			t.EventHubs = append(t.EventHubs, h)
		}
	}},
}}

var eventHubKeys = vocabulary[EventHub]{kind: "eventHub", check: checkEventHub, keys: []key[EventHub]{
	{name: "url", required: true, decode: func(d *decoder, v value, h *EventHub) { h.URL = d.baseURL(v) }},
	{name: "keyName", decode: func(d *decoder, v value, h *EventHub) { h.KeyName = d.str(v) }},
	{name: "key", decode: func(d *decoder, v value, h *EventHub) { h.Key = d.sealingKey(v) }},
}}

// checkEventHub wants a key with its name.
func checkEventHub(d *decoder, v value, present map[string]value, _ *EventHub) {
	_, name := present["keyName"]
	if _, key := present["key"]; key != name {
		d.fault(v.key, `give both, or none: then the gateway's managed identity sends`, `%s has one of "keyName" and "key"`, v.what)
	}
}

var telemetryEndpointsKeys = vocabulary[TelemetryEndpoints]{kind: "endpoints", keys: []key[TelemetryEndpoints]{
	{name: "traces", decode: func(d *decoder, v value, e *TelemetryEndpoints) { e.Traces = d.absoluteURL(v, true) }},
	{name: "metrics", decode: func(d *decoder, v value, e *TelemetryEndpoints) { e.Metrics = d.absoluteURL(v, true) }},
	{name: "logs", decode: func(d *decoder, v value, e *TelemetryEndpoints) { e.Logs = d.absoluteURL(v, true) }},
}}

var samplingKeys = vocabulary[Sampling]{kind: "sampling", keys: []key[Sampling]{
	{name: "ratio", decode: func(d *decoder, v value, s *Sampling) { d.ratio(v, &s.Ratio) }},
	{name: "servers", decode: func(d *decoder, v value, s *Sampling) {
		entries, _ := d.entries(v)
		for _, e := range entries {
			r := SamplingRatio{Name: e.name, Ratio: 1}
			d.ratio(e.value, &r.Ratio)
			if !slices.Contains(d.declared["server"], e.name) && !slices.Contains(d.declared["api"], e.name) {
				known := slices.Concat(d.declared["server"], d.declared["api"])
				d.fault(e.value.key, fault.Suggest(e.name, known, declareFirst), "%s is an unknown server or api", e.value.what)
				continue
			}
			s.Servers = append(s.Servers, r)
		}
	}},
}}

var diagnosticsKeys = vocabulary[Diagnostics]{kind: "diagnostics", keys: []key[Diagnostics]{
	{name: "verbosity", decode: func(d *decoder, v value, g *Diagnostics) {
		g.Verbosity = Verbosity(d.oneOf(v, string(VerbosityError), string(Information), string(Verbose)))
	}},
	{name: "headers", decode: func(d *decoder, v value, g *Diagnostics) { g.Headers = d.loggedHeaders(v) }},
	{name: "bodies", decode: func(d *decoder, v value, g *Diagnostics) { decodeMapping(d, v, bodiesKeys, &g.Bodies) }},
	{name: "mask", decode: func(d *decoder, v value, g *Diagnostics) { decodeMapping(d, v, maskKeys, &g.Mask) }},
}}

var bodiesKeys = vocabulary[Bodies]{kind: "bodies", keys: []key[Bodies]{
	{name: "frontendRequest", decode: func(d *decoder, v value, b *Bodies) { d.integer(v, 0, maxLoggedBody, &b.FrontendRequest) }},
	{name: "frontendResponse", decode: func(d *decoder, v value, b *Bodies) { d.integer(v, 0, maxLoggedBody, &b.FrontendResponse) }},
	{name: "backendRequest", decode: func(d *decoder, v value, b *Bodies) { d.integer(v, 0, maxLoggedBody, &b.BackendRequest) }},
	{name: "backendResponse", decode: func(d *decoder, v value, b *Bodies) { d.integer(v, 0, maxLoggedBody, &b.BackendResponse) }},
}}

var maskKeys = vocabulary[Mask]{kind: "mask", keys: []key[Mask]{
	{name: "headers", decode: func(d *decoder, v value, m *Mask) { m.Headers = d.loggedHeaders(v) }},
	{name: "properties", decode: func(d *decoder, v value, m *Mask) { m.Properties = d.distinct(v, (*decoder).str) }},
}}

// checkTelemetry checks which keys stand together.
func checkTelemetry(d *decoder, _ value, present map[string]value, t *Telemetry) {
	one, both := present["endpoint"]
	if _, whole := present["endpoints"]; both && whole {
		d.fault(one.key, `keep one of them; "endpoints" has a whole URL for each signal`, `%s stands beside "endpoints"`, one.what)
	}
	if given, ok := present["managedIdentity"]; ok && t.ManagedIdentity {
		for _, h := range t.Headers {
			if h.Name == "Authorization" {
				d.fault(given.key, "keep one of them", `%s stands beside the header Authorization`, given.what)
			}
		}
	}
}

// telemetry decodes the settings. Where exports go to Azure Monitor, names are those
// of API Management unless the file says otherwise: its queries are for these.
func (d *decoder) telemetry(v value) *Telemetry {
	t := DefaultTelemetry()
	present := decodeMapping(d, v, telemetryKeys, &t)
	if _, said := present["names"]; !said {
		t.APIManagementNames = t.ManagedIdentity
	}
	return &t
}

// ratio decodes a share.
func (d *decoder) ratio(v value, to *float64) {
	const wanted = "a number from 0 to 1, such as 0.1"
	s, ok := d.scalar(v, wanted)
	if !ok {
		return
	}
	f, err := strconv.ParseFloat(s.decimal(), 64)
	if err != nil || !(f >= 0 && f <= 1) {
		d.outOfRange(v, s, wanted)
		return
	}
	*to = f
}

// loggedHeaders decodes a list of names of headers into small letters.
func (d *decoder) loggedHeaders(v value) []string {
	return d.distinct(v, func(d *decoder, v value) string {
		return strings.ToLower(d.matching(v, token, "write the name of a header, such as x-client"))
	})
}
