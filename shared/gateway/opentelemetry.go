package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
	"toolgate/shared/telemetry"
)

// TelemetryOptions are what a host gives a recorder.
type TelemetryOptions struct {
	// Environment finds an environment variable; nil: there are none.
	Environment func(name string) (string, bool)
	// Secrets resolves references in headers of exports; nil: none resolve.
	Secrets func(ref string) (string, error)
	// Identity gets tokens for Azure Monitor; nil: the host has no identity, and a
	// configuration that wants one is refused.
	Identity policy.Identity
	// Resource describes the platform, by names of attributes.
	Resource map[string]string
	// Interval is the time between exports in the background; 0 is the recorder's
	// own, below 0 leaves them to Flush.
	Interval time.Duration
	// Log receives that exports fail; nil discards it.
	Log *slog.Logger
}

// TelemetryOf is what a configuration says of telemetry, or else what applies.
func TelemetryOf(m *snapshot.Manifest) config.Telemetry {
	if m.Telemetry != nil {
		return *m.Telemetry
	}
	return config.DefaultTelemetry()
}

// azureMonitor is the resource of tokens for ingestion.
const azureMonitor = "https://monitor.azure.com"

// OpenTelemetry makes the recorder of a configuration, for [Options]. It is nil where
// neither the configuration nor the environment asks for one. The caller closes it
// after the gateway.
func OpenTelemetry(s *snapshot.Snapshot, o TelemetryOptions) (*telemetry.Recorder, error) {
	if o.Environment == nil {
		o.Environment = func(string) (string, bool) { return "", false }
	}
	environment, err := telemetry.FromEnvironment(o.Environment)
	if err != nil {
		return nil, fmt.Errorf("finding where telemetry goes: %w", err)
	}
	said := environment.Traces.URL != "" || environment.Metrics.URL != "" || environment.Logs.URL != ""
	if environment.Disabled || s.Telemetry == nil && !said {
		return nil, nil
	}
	settings := TelemetryOf(&s.Manifest)
	made := telemetry.Options{
		Traces: environment.Traces, Metrics: environment.Metrics, Logs: environment.Logs,
		Timeout: environment.Timeout, Interval: o.Interval, Log: o.Log,
		Resource: resource(&s.Manifest, s.Hash, environment.Resource, o.Resource),
	}
	destinations(&made, &settings)
	if len(settings.Headers) > 0 {
		made.Header = func() (http.Header, error) { return exportHeader(&settings, o) }
	}
	if err := eventHubs(&made, &settings, o); err != nil {
		return nil, err
	}
	if settings.ManagedIdentity {
		if o.Identity == nil {
			return nil, errors.New("telemetry wants a managed identity, which this host does not have: give the collector's credentials as headers")
		}
		made.Token = func(ctx context.Context) (string, error) { return o.Identity.Token(ctx, azureMonitor, "") }
	}
	return telemetry.New(made), nil
}

// destinations says where each signal goes, where the configuration does.
func destinations(made *telemetry.Options, settings *config.Telemetry) {
	urls := settings.Endpoints
	if settings.Endpoint != "" {
		urls = config.TelemetryEndpoints{Traces: settings.Endpoint + "/v1/traces", Metrics: settings.Endpoint + "/v1/metrics"}
		if settings.Logs {
			urls.Logs = settings.Endpoint + "/v1/logs"
		}
	}
	if urls != (config.TelemetryEndpoints{}) {
		made.Traces, made.Metrics, made.Logs = telemetry.Destination{URL: urls.Traces}, telemetry.Destination{URL: urls.Metrics}, telemetry.Destination{URL: urls.Logs}
	}
}

// eventHubsResource is the resource of tokens for Event Hubs.
const eventHubsResource = "https://eventhubs.azure.net"

// eventHubs makes the loggers of log-to-eventhub.
func eventHubs(made *telemetry.Options, settings *config.Telemetry, o TelemetryOptions) error {
	for _, h := range settings.EventHubs {
		hub := telemetry.EventHub{ID: h.ID, URL: h.URL}
		switch {
		case h.KeyName != "":
			hub.Authorize = func(context.Context) (string, error) {
				key, err := resolve(h.Key, Options{Secrets: o.Secrets})
				if err != nil {
					return "", fmt.Errorf("event hub %s: %w", h.ID, err)
				}
				return telemetry.SharedAccessSignature(h.URL, h.KeyName, key, time.Now().Add(time.Hour)), nil
			}
		case o.Identity == nil:
			return fmt.Errorf("event hub %s wants a managed identity, which this host does not have: give it a key", h.ID)
		default:
			hub.Authorize = func(ctx context.Context) (string, error) {
				token, err := o.Identity.Token(ctx, eventHubsResource, "")
				return "Bearer " + token, err
			}
		}
		made.EventHubs = append(made.EventHubs, hub)
	}
	return nil
}

// exportHeader are the headers of exports that the configuration has.
func exportHeader(settings *config.Telemetry, o TelemetryOptions) (http.Header, error) {
	header := make(http.Header, len(settings.Headers))
	for _, h := range settings.Headers {
		value, err := resolve(h.Value, Options{Secrets: o.Secrets})
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
		header.Set(h.Name, value)
	}
	return header, nil
}

// resource describes the gateway. What the environment says wins.
func resource(m *snapshot.Manifest, hash string, said []telemetry.Attr, platform map[string]string) []telemetry.Attr {
	all := slices.Clone(said)
	for _, name := range slices.Sorted(maps.Keys(platform)) {
		all = append(all, telemetry.String(name, platform[name]))
	}
	all = append(all,
		telemetry.String(telemetry.ServiceName, m.Name), telemetry.String(telemetry.ServiceVersion, m.Version),
		telemetry.String(telemetry.ServiceInstanceID, newRequestID(nil).String()), telemetry.String(telemetry.Snapshot, hash),
		telemetry.String("telemetry.sdk.name", "toolgate"), telemetry.String("telemetry.sdk.language", "go"))
	var list []telemetry.Attr
	seen := map[string]bool{}
	for _, a := range all {
		if !seen[a.Key] && a.Value() != "" {
			seen[a.Key] = true
			list = append(list, a)
		}
	}
	return list
}
