package infra_test

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/peer"

	"go.yaml.in/yaml/v4"
)

// awsCLI stands for the AWS CLI: it notes how it was called in calls, keeps what was
// uploaded, and answers as an account does in which nothing was deployed before.
const awsCLI = `#!/bin/sh
echo "$*" >>"$RECORD/calls"
case "$1 $2" in
"sts get-caller-identity") echo 123456789012 ;;
"s3api head-bucket") [ -e "$RECORD/bucket" ] ;;
"s3api create-bucket") touch "$RECORD/bucket" ;;
"s3api put-public-access-block") ;;
"s3api put-object")
	while [ "$1" != --body ]; do shift; done
	cp "$2" "$RECORD/package.zip"
	;;
"cloudformation deploy") [ -f infra/aws/template.yaml ] && touch "$RECORD/stack" ;;
"cloudformation describe-stacks")
	[ -e "$RECORD/stack" ] || exit 254
	case "$*" in
	*GatewayUrl*) echo https://abc123.lambda-url.eu-west-1.on.aws ;;
	*Store*) echo dynamodb://eu-west-1/toolgate-Table-1 ;;
	*) echo None ;;
	esac
	;;
*) echo "aws: unknown: $*" >&2; exit 2 ;;
esac
`

// azdCLI stands for azd: "up" runs the hook of azure.yaml with the environment, to
// which it adds the outputs of infra/main.bicep, and deploys what the workflow names.
const azdCLI = `#!/bin/sh
set -e
echo "$*" >>"$RECORD/calls"
case "$1 $2" in
"env new") : >"$RECORD/env" ;;
"env set") echo "export $3=$4" >>"$RECORD/env" ;;
"up ")
	[ -f infra/main.bicep ] && [ -f infra/main.parameters.json ]
	echo "export TOOLGATE_PUBLIC_URL=https://func-abc123.azurewebsites.net" >>"$RECORD/env"
	. "$RECORD/env"
	HOOK
	cp dist/functions.zip "$RECORD/package.zip"
	;;
*) echo "azd: unknown: $*" >&2; exit 2 ;;
esac
`

// The guides of the two clouds.
const (
	azureGuide = "azure.md"
	awsGuide   = "aws.md"
)

// guide is the text of a guide.
func guide(t *testing.T, name string) string {
	t.Helper()
	return readFile(t, filepath.Join(peer.Root(t), "local", "docs", name))
}

// deployment is a clean directory in which the guides are followed.
type deployment struct {
	t      *testing.T
	dir    string // has the repository's files
	record string // has what the stand-ins of the clouds noted
	env    []string
}

// newDeployment copies what a clone has, and the user's folder, as the guide of Azure shows it.
func newDeployment(t *testing.T) *deployment {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands of the guides are run by sh")
	}
	d := &deployment{t: t, dir: t.TempDir(), record: t.TempDir()}
	root := peer.Root(t)
	for _, name := range []string{"functions", "infra", "bicep", "local", "shared"} {
		if err := os.CopyFS(filepath.Join(d.dir, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "host.json", "azure.yaml"} {
		d.write(filepath.Join(d.dir, name), readFile(t, filepath.Join(root, name)), 0o600)
	}
	if err := os.CopyFS(filepath.Join(d.dir, "mygateway", "apis"), os.DirFS(filepath.Join(root, "local", "examples", "gateway", "apis"))); err != nil {
		t.Fatal(err)
	}
	d.write(filepath.Join(d.dir, "mygateway", "gateway.yaml"), "name: contoso\n"+
		block(t, azureGuide, "## The folder", "yaml")[0]+
		"backends: { pets: { url: https://pets.contoso.com } }\n"+
		"apis: { pets: { openapi: apis/petstore.yaml, backend: pets } }\n"+
		"servers: { orders: { api: pets } }\n", 0o600)
	tools := t.TempDir()
	d.write(filepath.Join(tools, "aws"), awsCLI, 0o700)
	d.write(filepath.Join(tools, "azd"), strings.Replace(azdCLI, "HOOK", hook(t), 1), 0o700)
	// Without the folder's name in the programs they are compiled once, not for each test.
	d.env = append(os.Environ(), "PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"), "RECORD="+d.record, "GOFLAGS=-trimpath")
	d.env = slices.DeleteFunc(d.env, func(v string) bool {
		return strings.HasPrefix(v, "TOOLGATE_") || strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "AZURE_")
	})
	return d
}

func (d *deployment) write(path, content string, mode os.FileMode) {
	d.t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		d.t.Fatal(err)
	}
}

// hook is what azd runs before it deploys.
func hook(t *testing.T) string {
	t.Helper()
	var project struct {
		Hooks struct {
			Predeploy struct{ Posix struct{ Run string } }
		}
	}
	if err := yaml.Unmarshal([]byte(readFile(t, filepath.Join(peer.Root(t), "azure.yaml"))), &project); err != nil {
		t.Fatal(err)
	}
	return project.Hooks.Predeploy.Posix.Run
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// block has the code of a language in a section of a guide; commands have none.
func block(t *testing.T, name, heading, language string) []string {
	t.Helper()
	_, section, ok := strings.Cut(guide(t, name), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no %q", name, heading)
	}
	if next := regexp.MustCompile(`(?m)^#{1,3} `).FindStringIndex(section); next != nil {
		section = section[:next[0]]
	}
	var list []string
	for _, m := range fence.FindAllStringSubmatch(section, -1) {
		if m[1] == language {
			list = append(list, m[2])
		}
	}
	if len(list) == 0 {
		t.Fatalf("%q of %s has no code of language %q", heading, name, language)
	}
	return list
}

// run follows commands, and returns what they printed.
func (d *deployment) run(commands string) string {
	d.t.Helper()
	out := peer.Run(d.t, peer.Command{Path: "sh", Args: []string{"-e", "-c", commands}, Dir: d.dir, Env: d.env})
	if out.ExitCode != 0 {
		d.t.Fatalf("%s: exit code %d\n%s%s", commands, out.ExitCode, out.Stdout, out.Stderr)
	}
	return string(out.Stdout)
}

// calls are those of the cloud since the last time.
func (d *deployment) calls(of string) []string {
	d.t.Helper()
	path := filepath.Join(d.record, "calls")
	var list []string
	for line := range strings.SplitSeq(readFile(d.t, path), "\n") {
		if strings.HasPrefix(line, of) {
			list = append(list, line)
		}
	}
	d.write(path, "", 0o600)
	return list
}

// uploaded is one file of the package that was uploaded last.
func (d *deployment) uploaded(name string) string {
	d.t.Helper()
	archive, err := zip.OpenReader(filepath.Join(d.record, "package.zip"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer archive.Close()
	f, err := archive.Open(name)
	if err != nil {
		d.t.Fatalf("the package: %v", err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(content)
}

var codeKey = regexp.MustCompile(`CodeKey=(\S+)`)

// TestGuideAWS follows the guide of AWS twice, as a first deployment and as another.
func TestGuideAWS(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	commands := block(t, awsGuide, "## Deploy", "")
	if len(commands) != 2 {
		t.Fatalf("got %d blocks of commands, want a first deployment and another", len(commands))
	}
	const url = "https://abc123.lambda-url.eu-west-1.on.aws"
	if printed := d.run(commands[0]); !strings.Contains(printed, url+"/SERVER/mcp") {
		t.Errorf("the command prints no URL:\n%s", printed)
	}
	// The URL is known after the first of both.
	first := d.calls("cloudformation deploy")
	if len(first) != 2 {
		t.Fatalf("got %d deployments, want 2:\n%s", len(first), strings.Join(first, "\n"))
	}
	keys := []string{codeKey.FindStringSubmatch(first[0])[1], codeKey.FindStringSubmatch(first[1])[1]}
	if keys[0] == keys[1] || !strings.Contains(d.uploaded("gateway.snapshot"), url) {
		t.Errorf("the second package %s is the first %s, or has another URL", keys[1], keys[0])
	}
	if d.uploaded("bootstrap")[:4] != "\x7fELF" {
		t.Error("bootstrap is no program for Linux")
	}
	d.run(commands[1])
	again := d.calls("")
	deployed := slices.DeleteFunc(slices.Clone(again), func(c string) bool { return !strings.HasPrefix(c, "cloudformation deploy") })
	if len(deployed) != 1 || codeKey.FindStringSubmatch(deployed[0])[1] != keys[1] ||
		!strings.HasSuffix(deployed[0], " AlarmEmail=tools@contoso.com ReservedConcurrency=50") {
		t.Errorf("got %q, want one deployment of %s with both parameters", deployed, keys[1])
	}
	if slices.ContainsFunc(again, func(c string) bool { return strings.HasPrefix(c, "s3api create-bucket") }) {
		t.Error("the bucket is created again")
	}
}

// TestDeployRefuses gives infra/aws/deploy what it does not take.
func TestDeployRefuses(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	for arguments, want := range map[string]string{
		"":                                   "usage:",
		"-a mips mygateway":                  "usage:",
		"mygateway AlarmEmail":               "usage:",
		"mygateway CodeKey=a":                "gives CodeKey itself",
		"-r eu-west-1 nothing":               "nothing",
		"-r eu-west-1 infra AlarmFailures=1": "gateway.yaml",
	} {
		out := peer.Run(t, peer.Command{Path: "sh", Args: []string{"-c", "infra/aws/deploy " + arguments}, Dir: d.dir, Env: d.env})
		if out.ExitCode == 0 || !strings.Contains(string(out.Stderr), want) {
			t.Errorf("deploy %s: exit code %d, want a fault with %q:\n%s", arguments, out.ExitCode, want, out.Stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(d.record, "stack")); err == nil {
		t.Error("something was deployed")
	}
}

// TestGuideAzure follows the guide of Azure.
func TestGuideAzure(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.run(block(t, azureGuide, "## Deploy", "")[0])
	if d.uploaded("app")[:4] != "\x7fELF" {
		t.Error("app is no program for Linux")
	}
	d.uploaded("host.json")
	d.uploaded("gateway/function.json")
	if !strings.Contains(d.uploaded("gateway.snapshot"), "https://func-abc123.azurewebsites.net") {
		t.Error("the package does not have the URL of the deployment")
	}
	// What the guide says can be set is set by that name.
	parameters := readFile(t, filepath.Join(d.dir, "infra", "main.parameters.json"))
	_, table, _ := strings.Cut(guide(t, azureGuide), "## Variables\n")
	for _, m := range regexp.MustCompile("`([A-Z_]{4,})(?:=true)?`").FindAllStringSubmatch(table, -1) {
		if !strings.Contains(parameters, "${"+m[1]) && !strings.Contains(readFile(t, filepath.Join(d.dir, "infra", "main.bicep")), "output "+m[1]) {
			t.Errorf("%s speaks of %s, which nothing reads", azureGuide, m[1])
		}
	}
}
