package telemetry

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Environment is what the environment variables of OpenTelemetry say of exports.
type Environment struct {
	Disabled              bool // OTEL_SDK_DISABLED
	Traces, Metrics, Logs Destination
	Timeout               time.Duration // 0: not said
	Resource              []Attr        // the name of the service first, if it is said
}

// FromEnvironment reads OTEL_EXPORTER_OTLP_* and their kin (OpenTelemetry Protocol
// Exporter, and Environment Variable Specification). Log records are only exported
// where OTEL_LOGS_EXPORTER says otlp: the log goes to stdout in any case.
func FromEnvironment(lookup func(name string) (string, bool)) (Environment, error) {
	get := func(name string) string { value, _ := lookup(name); return strings.TrimSpace(value) }
	e := Environment{Disabled: strings.EqualFold(get("OTEL_SDK_DISABLED"), "true")}
	if ms, err := strconv.Atoi(get("OTEL_EXPORTER_OTLP_TIMEOUT")); err == nil && ms > 0 {
		e.Timeout = time.Duration(ms) * time.Millisecond
	}
	for _, s := range []struct {
		name, path, none string
		to               *Destination
	}{
		{"TRACES", "/v1/traces", "", &e.Traces}, {"METRICS", "/v1/metrics", "", &e.Metrics}, {"LOGS", "/v1/logs", "none", &e.Logs},
	} {
		exporter := get("OTEL_" + s.name + "_EXPORTER")
		if exporter == "" {
			exporter = s.none
		}
		if exporter == "none" {
			continue
		}
		if err := e.destination(get, s.name, s.path, s.to); err != nil {
			return Environment{}, err
		}
	}
	attrs, err := pairs("OTEL_RESOURCE_ATTRIBUTES", get("OTEL_RESOURCE_ATTRIBUTES"))
	if err != nil {
		return Environment{}, err
	}
	if name := get("OTEL_SERVICE_NAME"); name != "" {
		e.Resource = append(e.Resource, String(ServiceName, name))
	}
	for _, a := range attrs {
		if a[0] != ServiceName || len(e.Resource) == 0 {
			e.Resource = append(e.Resource, String(a[0], a[1]))
		}
	}
	return e, nil
}

// destination reads where one signal goes; none where no endpoint is said.
func (e *Environment) destination(get func(string) string, signal, path string, to *Destination) error {
	const general = "OTEL_EXPORTER_OTLP_"
	name, address := general+signal+"_ENDPOINT", get(general+signal+"_ENDPOINT")
	if address == "" {
		name = general + "ENDPOINT"
		if address = get(name); address == "" {
			return nil
		}
		address = strings.TrimSuffix(address, "/") + path
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &EnvironmentError{name, "is no absolute http or https URL"}
	}
	protocolName, protocol := general+signal+"_PROTOCOL", get(general+signal+"_PROTOCOL")
	if protocol == "" {
		protocolName, protocol = general+"PROTOCOL", get(general+"PROTOCOL")
	}
	if protocol == "grpc" {
		return &EnvironmentError{protocolName, "is grpc, which is not spoken here: let it be http/protobuf, and the port that of OTLP/HTTP (4318)"}
	}
	*to = Destination{URL: address, Header: http.Header{}}
	for _, headers := range []string{general + "HEADERS", general + signal + "_HEADERS"} { // those of the signal win
		list, err := pairs(headers, get(headers))
		if err != nil {
			return err
		}
		for _, h := range list {
			to.Header.Set(h[0], h[1])
		}
	}
	return nil
}

// pairs reads a list of name=value, percent-encoded (Baggage, without properties).
// Values are not shown in errors: they may be keys.
func pairs(variable, text string) ([][2]string, error) {
	var list [][2]string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, value, found := strings.Cut(item, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		name = strings.TrimSpace(name)
		if !found || err != nil || name == "" || strings.ContainsAny(decoded, "\r\n") {
			return nil, &EnvironmentError{variable, "is no list of name=value, separated by commas, with other characters percent-encoded"}
		}
		list = append(list, [2]string{name, decoded})
	}
	return list, nil
}

// EnvironmentError is an environment variable that says what cannot be done.
type EnvironmentError struct{ Variable, Problem string }

func (e *EnvironmentError) Error() string {
	return fmt.Sprintf("the environment variable %s %s", e.Variable, e.Problem)
}
