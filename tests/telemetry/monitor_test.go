package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/state"
	"toolgate/shared/telemetry"
	"toolgate/tests/internal/rpc"
	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
)

// left is what the calls of a gateway left behind, by name.
type left struct {
	messages []string                   // that the product logs
	lines    map[string]bool            // members of the lines of the log
	series   map[string]map[string]bool // labels of metrics, as Prometheus names both
	spans    map[string]bool            // attributes of spans of calls
	values   map[string][]string        // of these attributes
}

// awayStore is a store that does not answer.
type awayStore struct{ state.Store }

func (awayStore) Get(context.Context, state.Key) (state.Record, error) {
	return state.Record{}, errors.New("no connection")
}

// watchedCalls has a gateway answer calls of every kind.
func watchedCalls(t *testing.T) left {
	t.Helper()
	collector := newReceiver(t)
	upstream, _ := notebook(t)
	backend, _ := pets(t)
	f := notesGateway(collector.URL, upstream, backend, "  names: apiManagement\n")
	f["gateway.yaml"] = strings.Replace(f["gateway.yaml"], "pets: { api: pets }", "pets: { api: pets, policy: limit.xml, cache: { duration: 60s, scope: public, tools: [ getPet ] } }", 1)
	f["limit.xml"] = `<policies><inbound><rate-limit-by-key calls="4" renewal-period="60" counter-key="all" mcp-methods="tools/call" /></inbound><backend><forward-request /></backend></policies>`
	g := start(t, f, -1)
	for _, c := range [][2]string{{"getPet", `{"id":1}`}, {"getPet", `{"id":1}`}, {"broken", "{}"}, {"none", "{}"}, {"getPet", `{"id":1}`}} {
		g.call(t, "pets", callTool(c[0], c[1], "")).Body.Close()
	}
	g.call(t, "everything", callTool("notes_note", `{}`, "")).Body.Close()
	g.call(t, "everything", rpc.New(mcp.Latest, `"8"`, mcp.MethodListTools, "{}")).Body.Close()
	if _, err := gateway.ObserveStore(awayStore{}, g.recorder).Get(t.Context(), state.Key{Space: "rate", ID: "a"}); err == nil {
		t.Fatal("a store that is away has answered")
	}
	g.flush(t)
	collector.check(t)
	l := left{messages: logged(t), lines: map[string]bool{}, series: map[string]map[string]bool{}, spans: map[string]bool{}, values: map[string][]string{}}
	var log bytes.Buffer
	logCall := gateway.LogCalls(slog.New(slog.NewJSONHandler(&log, nil)))
	for _, c := range g.observed {
		logCall(c)
	}
	for line := range strings.Lines(log.String()) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatal(err)
		}
		for name := range members {
			l.lines[name] = true
		}
	}
	for _, s := range collector.all() {
		if s.Kind != traces.Span_SPAN_KIND_SERVER {
			continue
		}
		for key, value := range attributes(s.Attributes) {
			l.spans[key] = true
			if text, ok := value.(string); ok {
				l.values[key] = append(l.values[key], text)
			}
		}
	}
	for _, m := range collector.allMetrics() {
		l.addMetric(m)
	}
	return l
}

// addMetric adds the series that Prometheus has of a metric: dots become underscores,
// the unit of seconds and the kind are at the end of the name
// (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/).
func (l *left) addMetric(m *metrics.Metric) {
	name := strings.ReplaceAll(m.Name, ".", "_")
	if m.Unit == "s" {
		name += "_seconds"
	}
	add := func(suffix string, attrs map[string]any) {
		if l.series[name+suffix] == nil {
			l.series[name+suffix] = map[string]bool{}
		}
		for key := range attrs {
			l.series[name+suffix][strings.ReplaceAll(key, ".", "_")] = true
		}
	}
	switch points := m.Data.(type) {
	case *metrics.Metric_Histogram:
		for _, p := range points.Histogram.DataPoints {
			attrs := attributes(p.Attributes)
			add("_count", attrs)
			add("_sum", attrs)
			attrs["le"] = ""
			add("_bucket", attrs)
		}
	case *metrics.Metric_Sum:
		for _, p := range points.Sum.DataPoints {
			add("_total", attributes(p.Attributes))
		}
	}
}

// source reads a file of the repository.
func source(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{peer.Root(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// texts are the texts of a JSON document that stand under a name.
func texts(value any, name string) (list []string) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if text, ok := v[key].(string); ok && key == name {
				list = append(list, text)
			}
			list = append(list, texts(v[key], name)...)
		}
	case []any:
		for _, inner := range v {
			list = append(list, texts(inner, name)...)
		}
	}
	return list
}

// appTraces has the columns of the table that the queries use.
var appTraces = map[string][]string{"AppTraces": {"TimeGenerated", "Message"}}

// TestMonitor holds the queries of dashboards and alerts against what a gateway leaves
// behind.
func TestMonitor(t *testing.T) {
	l := watchedCalls(t)
	t.Run("workbook", func(t *testing.T) {
		var doc any
		if err := json.Unmarshal([]byte(source(t, "infra", "monitor", "workbook.json")), &doc); err != nil {
			t.Fatal(err)
		}
		l.checkKQL(t, texts(doc, "query"), 10)
	})
	t.Run("alerts of Azure", func(t *testing.T) { l.checkKQL(t, alertQueries(t), 6) })
	t.Run("Grafana", l.checkGrafana)
	t.Run("CloudWatch", l.checkCloudWatch)
	t.Run("queries of API Management", l.checkPublished)
}

func (l *left) checkKQL(t *testing.T, queries []string, least int) {
	t.Helper()
	if len(queries) < least {
		t.Errorf("got %d queries, want at least %d", len(queries), least)
	}
	for _, query := range queries {
		members, err := kql(query, appTraces)
		if err != nil {
			t.Errorf("%s\n%v", query, err)
		}
		l.checkLines(t, query, members)
		l.checkMessages(t, query)
	}
}

func (l *left) checkLines(t *testing.T, query string, members []string) {
	t.Helper()
	for _, name := range members {
		if !l.lines[name] {
			t.Errorf("%s\nreads %q, which no line of the log has, but %q", query, name, slices.Sorted(maps.Keys(l.lines)))
		}
	}
}

var (
	bicepVariable = regexp.MustCompile(`(?m)^var (\w+) = '(.*)'$`)
	bicepQuery    = regexp.MustCompile(`(?m)^\s*query: '(.*)'$`)
	bicepParam    = regexp.MustCompile(`\$\{(\w+)\}`)
)

// alertQueries are the queries of the alerts, with the values of their variables.
func alertQueries(t *testing.T) (list []string) {
	t.Helper()
	content := source(t, "bicep", "alerts.bicep")
	values := map[string]string{}
	value := func(text string) string {
		return strings.ReplaceAll(bicepParam.ReplaceAllStringFunc(text, func(name string) string {
			if v, ok := values[name[2:len(name)-1]]; ok {
				return v
			}
			return "5"
		}), `\'`, "'")
	}
	for _, v := range bicepVariable.FindAllStringSubmatch(content, -1) {
		values[v[1]] = value(v[2])
	}
	for _, q := range bicepQuery.FindAllStringSubmatch(content, -1) {
		list = append(list, value(q[1]))
	}
	return list
}

func (l *left) checkGrafana(t *testing.T) {
	var doc any
	if err := json.Unmarshal([]byte(source(t, "infra", "monitor", "grafana.json")), &doc); err != nil {
		t.Fatal(err)
	}
	exprs := texts(doc, "expr")
	if len(exprs) < 15 {
		t.Errorf("got %d queries", len(exprs))
	}
	for _, expr := range exprs {
		series, labels, err := promQL(expr)
		if err != nil || len(series) == 0 {
			t.Errorf("%s\ngot the series %q, %v", expr, series, err)
		}
		for _, name := range series {
			if l.series[name] == nil {
				t.Errorf("%s\nreads %q, which no gateway exports, but %q", expr, name, slices.Sorted(maps.Keys(l.series)))
			}
			for _, label := range labels {
				if l.series[name] != nil && !l.series[name][label] {
					t.Errorf("%s\nnames the label %q, which %s has not, but %q", expr, label, name, slices.Sorted(maps.Keys(l.series[name])))
				}
			}
		}
	}
}

var (
	filterPattern = regexp.MustCompile(`FilterPattern: '(.*)'`)
	filterMember  = regexp.MustCompile(`\$\.(\w+)`)
	madeMetric    = regexp.MustCompile(`MetricNamespace: !Sub "(toolgate/[^"]+)", MetricName: (\w+)`)
	readMetric    = regexp.MustCompile(`(?s)Namespace: !Sub "(toolgate/[^"]+)",?\s+MetricName: (\w+)`)
	shownMetrics  = regexp.MustCompile(`\[ \[ "toolgate/[^"]*", (.*) \] \]`)
	shownMetric   = regexp.MustCompile(`(?:^|\[ "\.", )"(\w+)"`)
	logQuery      = regexp.MustCompile(`"query": "(.*?)"`)
)

func (l *left) checkCloudWatch(t *testing.T) {
	content := source(t, "infra", "aws", "template.yaml")
	for _, f := range filterPattern.FindAllStringSubmatch(content, -1) {
		if list, err := tokens(f[1]); err != nil || len(list) == 0 {
			t.Errorf("%s: %v", f[1], err)
		}
		for _, m := range filterMember.FindAllStringSubmatch(f[1], -1) {
			l.checkLines(t, f[1], m[1:])
		}
		l.checkMessages(t, f[1])
	}
	made, read := map[string]bool{}, map[string]bool{}
	for _, m := range madeMetric.FindAllStringSubmatch(content, -1) {
		made[m[2]] = true
	}
	for _, m := range readMetric.FindAllStringSubmatch(madeMetric.ReplaceAllString(content, ""), -1) {
		read[m[2]] = true
	}
	for _, list := range shownMetrics.FindAllStringSubmatch(content, -1) {
		for _, m := range shownMetric.FindAllStringSubmatch(list[1], -1) {
			read[m[1]] = true
		}
	}
	if got, want := slices.Sorted(maps.Keys(read)), slices.Sorted(maps.Keys(made)); len(made) < 4 || !slices.Equal(got, want) {
		t.Errorf("alarms and dashboard read the metrics %q, filters make %q", got, want)
	}
	queries := logQuery.FindAllStringSubmatch(content, -1)
	if len(queries) < 3 {
		t.Errorf("got %d queries", len(queries))
	}
	for _, q := range queries {
		fields, err := insights(q[1])
		if err != nil {
			t.Errorf("%s\n%v", q[1], err)
		}
		l.checkLines(t, q[1], fields)
	}
}

// published are the custom dimensions that Microsoft's queries for MCP servers read
// (https://learn.microsoft.com/azure/api-management/monitor-mcp-servers), as far as a
// call has them without opting in to its arguments.
var published = strings.Fields(`gen_ai.operation.name gen_ai.tool.name gen_ai.tool.type network.protocol.name network.protocol.version
auth.type user_agent.name user_agent.version api.type error.message error.type ToolCount`)

func (l *left) checkPublished(t *testing.T) {
	for _, name := range append(published, telemetry.APITypeSpaced) {
		if !l.spans[name] {
			t.Errorf("no call has %q", name)
		}
	}
	for name, value := range map[string]string{"gen_ai.operation.name": "tools/call", "api.type": "Mcp", "API Type": "mcp"} {
		if !slices.Contains(l.values[name], value) {
			t.Errorf("%s: got %q, want %q among them", name, l.values[name], value)
		}
	}
}

// beginnings are texts of queries that are compared with the message of a line.
var beginnings = regexp.MustCompile(`msg\)? (?:startswith|=|==) ['"]([^'"]+)['"]`)

// checkMessages asks that a message that a query looks for is one that is logged.
func (l *left) checkMessages(t *testing.T, query string) {
	t.Helper()
	for _, m := range beginnings.FindAllStringSubmatch(query, -1) {
		wanted := strings.TrimSuffix(m[1], "*")
		if !slices.ContainsFunc(l.messages, func(text string) bool { return strings.HasPrefix(text, wanted) }) {
			t.Errorf("%s\nlooks for the message %q, which nothing logs", query, wanted)
		}
	}
}

// logged are the messages that the product logs.
func logged(t *testing.T) (list []string) {
	t.Helper()
	for _, dir := range []string{"shared", "functions"} {
		err := filepath.WalkDir(filepath.Join(peer.Root(t), dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
			if err != nil {
				return nil //nolint:nilerr // what does not compile is for the compiler to say
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					list = append(list, message(c)...)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// message is what a call of a logger says; none for other calls.
func message(c *ast.CallExpr) []string {
	f, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Info", "Warn", "Error", "InfoContext", "WarnContext", "ErrorContext", "LogAttrs"}, f.Sel.Name) {
		return nil
	}
	for _, a := range c.Args {
		if text, ok := a.(*ast.BasicLit); ok && text.Kind == gotoken.STRING {
			if s, err := strconv.Unquote(text.Value); err == nil {
				return []string{s}
			}
		}
	}
	return nil
}
