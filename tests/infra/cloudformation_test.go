package infra_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// template is infra/aws/template.yaml as nodes: its short forms are tags.
type template struct {
	root *yaml.Node
	text string
}

func readTemplate(t *testing.T) template {
	t.Helper()
	text := readFile(t, filepath.Join(peer.Root(t), "infra", "aws", "template.yaml"))
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return template{document.Content[0], text}
}

// at is the node of a path of names; nil if there is none.
func at(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		n = member(n, name)
		if n == nil {
			return nil
		}
	}
	return n
}

func member(n *yaml.Node, name string) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// keys are the names of a mapping.
func keys(n *yaml.Node) []string {
	var list []string
	for i := 0; n != nil && i+1 < len(n.Content); i += 2 {
		list = append(list, n.Content[i].Value)
	}
	return list
}

// visit calls f for a node and all below it.
func visit(n *yaml.Node, f func(*yaml.Node)) {
	f(n)
	for _, c := range n.Content {
		visit(c, f)
	}
}

var interpolated = regexp.MustCompile(`\$\{([A-Za-z0-9:.]+)\}`)

// references are the names that !Ref, !GetAtt, !Sub, !If and Condition use, with the
// lines on which they do.
func (t template) references() (values, conditions map[string]int) {
	values, conditions = map[string]int{}, map[string]int{}
	visit(t.root, func(n *yaml.Node) {
		switch {
		case n.Tag == "!Ref":
			values[n.Value] = n.Line
		case n.Tag == "!GetAtt":
			name, _, _ := strings.Cut(n.Value, ".")
			values[name] = n.Line
		case n.Tag == "!Sub":
			for name := range substituted(n) {
				values[name] = n.Line
			}
		case n.Tag == "!If" && len(n.Content) > 0:
			conditions[n.Content[0].Value] = n.Line
		}
		if c := member(n, "Condition"); c != nil && c.Kind == yaml.ScalarNode {
			conditions[c.Value] = c.Line
		}
	})
	return values, conditions
}

// substituted are the names in a !Sub, but for those that it defines itself.
func substituted(n *yaml.Node) map[string]bool {
	text, own := n.Value, []string(nil)
	if n.Kind == yaml.SequenceNode {
		text, own = n.Content[0].Value, keys(n.Content[1])
	}
	names := map[string]bool{}
	for _, m := range interpolated.FindAllStringSubmatch(text, -1) {
		name, _, _ := strings.Cut(m[1], ".")
		if strings.HasPrefix(m[1], "AWS::") {
			name = m[1]
		}
		if !slices.Contains(own, name) {
			names[name] = true
		}
	}
	return names
}

// TestTemplateReferences asks that what the template names is there, and what is there
// is named.
func TestTemplateReferences(t *testing.T) {
	tpl := readTemplate(t)
	values, conditions := tpl.references()
	parameters, resources, declared := keys(at(tpl.root, "Parameters")), keys(at(tpl.root, "Resources")), keys(at(tpl.root, "Conditions"))
	pseudo := []string{"AWS::NoValue", "AWS::StackName", "AWS::Region"}
	for name, line := range values {
		if !slices.Contains(slices.Concat(parameters, resources, pseudo), name) {
			t.Errorf("line %d: nothing is named %s", line, name)
		}
	}
	for name, line := range conditions {
		if !slices.Contains(declared, name) {
			t.Errorf("line %d: no condition is named %s", line, name)
		}
	}
	for _, name := range parameters {
		if _, used := values[name]; !used {
			t.Errorf("parameter %s is not used", name)
		}
		if at(tpl.root, "Parameters", name, "Description") == nil {
			t.Errorf("parameter %s has no description", name)
		}
	}
	for _, name := range declared {
		if _, used := conditions[name]; !used {
			t.Errorf("condition %s is not used", name)
		}
	}
}

// actions are what the roles of the template may allow, each with the resource that it
// must name.
var actions = map[string]string{
	"dynamodb:DeleteItem":           "Table.Arn",
	"dynamodb:GetItem":              "Table.Arn",
	"dynamodb:PutItem":              "Table.Arn",
	"kms:Decrypt":                   "KeyArns",
	"logs:CreateLogStream":          "Log.Arn",
	"logs:PutLogEvents":             "Log.Arn",
	"secretsmanager:GetSecretValue": "SealingKey|SecretArns",
	"ssm:GetParameters":             "ParameterArns",
	"sts:GetWebIdentityToken":       "*", // names no resource, but an audience
}

// TestTemplateRights asks that the role may do what the gateway does, and no more.
func TestTemplateRights(t *testing.T) {
	tpl := readTemplate(t)
	granted := map[string]bool{}
	visit(tpl.root, func(n *yaml.Node) {
		effect, action, resource := member(n, "Effect"), member(n, "Action"), member(n, "Resource")
		if effect == nil || resource == nil {
			return
		}
		for _, a := range scalars(action) {
			granted[a] = true
			allowed, known := actions[a]
			if !known || effect.Value != "Allow" || !slices.Contains(strings.Split(allowed, "|"), resource.Value) {
				t.Errorf("line %d: %s %s on %s, want one of %v", action.Line, effect.Value, a, resource.Value, actions)
			}
			if resource.Value == "*" && member(n, "Condition") == nil {
				t.Errorf("line %d: %s is allowed on everything, without a condition", action.Line, a)
			}
		}
	})
	for a := range actions {
		if !granted[a] {
			t.Errorf("nothing allows %s", a)
		}
	}
	// Whatever runs the function may assume its role, and nobody else.
	trust := at(tpl.root, "Resources", "Role", "Properties", "AssumeRolePolicyDocument", "Statement")
	if got := at(trust.Content[0], "Principal", "Service"); len(trust.Content) != 1 || got == nil || got.Value != "lambda.amazonaws.com" {
		t.Errorf("the role is assumed by %v, want lambda.amazonaws.com alone", got)
	}
}

func scalars(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	var list []string
	for _, c := range n.Content {
		list = append(list, c.Value)
	}
	return list
}

// TestTemplateOfTheGateway asks that the template has what the program expects.
func TestTemplateOfTheGateway(t *testing.T) {
	resources := at(readTemplate(t).root, "Resources")
	for _, c := range []struct {
		want string
		path []string
	}{
		{"provided.al2023", []string{"Function", "Properties", "Runtime"}},
		{"bootstrap", []string{"Function", "Properties", "Handler"}},
		{"dynamodb://${AWS::Region}/${Table}", []string{"Function", "Properties", "Environment", "Variables", "TOOLGATE_STORE"}},
		{"InvokeMode", []string{"Function", "Properties", "Environment", "Variables", "TOOLGATE_INVOKE_MODE"}},
		{"InvokeMode", []string{"Url", "Properties", "InvokeMode"}},
		// The attributes are those of package shared/state/dynamodb.
		{"x", []string{"Table", "Properties", "TimeToLiveSpecification", "AttributeName"}},
		{"true", []string{"Table", "Properties", "TimeToLiveSpecification", "Enabled"}},
		{"PAY_PER_REQUEST", []string{"Table", "Properties", "BillingMode"}},
		{"Retain", []string{"Table", "DeletionPolicy"}},
		{"LogRetentionDays", []string{"Log", "Properties", "RetentionInDays"}},
		// A Function URL without a signature needs both permissions.
		{"lambda:InvokeFunctionUrl", []string{"UrlPermission", "Properties", "Action"}},
		{"NONE", []string{"UrlPermission", "Properties", "FunctionUrlAuthType"}},
		{"lambda:InvokeFunction", []string{"InvokePermission", "Properties", "Action"}},
		{"true", []string{"InvokePermission", "Properties", "InvokedViaFunctionUrl"}},
	} {
		got := at(resources, c.path...)
		if got == nil || got.Value != c.want {
			t.Errorf("%s: got %v, want %s", strings.Join(c.path, "."), got, c.want)
		}
	}
	key := at(resources, "Table", "Properties", "KeySchema")
	if name := member(key.Content[0], "AttributeName"); len(key.Content) != 1 || name.Value != "pk" {
		t.Errorf("the key of the table is %v, want pk alone", name)
	}
}

// TestTemplateMonitoring asks that alarms and the dashboard show metrics that there are.
func TestTemplateMonitoring(t *testing.T) {
	tpl := readTemplate(t)
	resources := at(tpl.root, "Resources")
	metrics, alarms := []string{}, 0
	for _, name := range keys(resources) {
		r := at(resources, name)
		if at(r, "Type").Value == "AWS::Logs::MetricFilter" {
			metrics = append(metrics, at(r, "Properties", "MetricTransformations").Content[0].Content[3].Value)
		}
	}
	const own = "toolgate/${AWS::StackName}"
	for _, name := range keys(resources) {
		r := at(resources, name)
		if at(r, "Type").Value != "AWS::CloudWatch::Alarm" {
			continue
		}
		alarms++
		watched := 0
		visit(r, func(n *yaml.Node) {
			space, metric := member(n, "Namespace"), member(n, "MetricName")
			if space == nil || metric == nil {
				return
			}
			watched++
			if space.Value == own && !slices.Contains(metrics, metric.Value) {
				t.Errorf("%s watches %s; the filters make %v", name, metric.Value, metrics)
			}
		})
		if watched == 0 {
			t.Errorf("%s watches nothing", name)
		}
	}
	if alarms == 0 || len(metrics) == 0 {
		t.Errorf("got %d alarms and the metrics %v", alarms, metrics)
	}
	board := at(resources, "Dashboard", "Properties", "DashboardBody").Value
	if !jsontext.Value(board).IsValid() {
		t.Errorf("the dashboard is no JSON:\n%s", board)
	}
	for _, m := range metrics {
		if !strings.Contains(board, `"`+m+`"`) {
			t.Errorf("the dashboard does not show %s", m)
		}
	}
}

type diagnostic struct {
	RuleID    string `json:"ruleId"`
	Severity  string `json:"severity"`
	Message   string `json:"message"`
	StartLine int    `json:"startLine"`
}

// TestTemplateValidates has AWS's own validator read the template, and one with faults.
func TestTemplateValidates(t *testing.T) {
	t.Parallel()
	tpl := readTemplate(t)
	faulty := strings.NewReplacer("MemorySize: !Ref MemorySize", "MemorySizee: 512", "AuthType: NONE\n      InvokeMode", "AuthType: NOBODY\n      InvokeMode").Replace(tpl.text)
	broken := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(broken, []byte(faulty), 0o600); err != nil {
		t.Fatal(err)
	}
	out := peer.Script(t, "cloudformation.mjs", filepath.Join(peer.Root(t), "infra", "aws", "template.yaml"), broken)
	if out.ExitCode != 0 {
		t.Fatalf("cloudformation.mjs: exit code %d\n%s%s", out.ExitCode, out.Stdout, out.Stderr)
	}
	var reports [][]diagnostic
	if err := json.Unmarshal(out.Stdout, &reports); err != nil || len(reports) != 2 {
		t.Fatalf("reading %d reports: %v", len(reports), err)
	}
	for _, d := range reports[0] {
		if d.Severity != "INFO" && d.Severity != "DEBUG" {
			t.Errorf("infra/aws/template.yaml:%d: %s %s: %s", d.StartLine, d.Severity, d.RuleID, d.Message)
		}
	}
	found := fmt.Sprint(reports[1])
	for _, want := range []string{"MemorySizee", "NOBODY"} {
		if !strings.Contains(found, want) {
			t.Errorf("the validator does not find %s: %s", want, found)
		}
	}
}
