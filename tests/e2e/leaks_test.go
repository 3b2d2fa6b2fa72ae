package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"toolgate/tests/peer"
)

const leaksFolder = `
name: contoso
sealingKey: { secret: env:SEALING_KEY }
namedValues: { named: { secret: env:NAMED } }
certificates: { mine: { pfx: { secret: env:PFX }, password: { secret: env:PFX_PASSWORD } } }
connections:
  hub: { authorizationUrl: "https://hub.contoso.com/authorize", tokenUrl: "https://hub.contoso.com/token", clientId: g, clientSecret: { secret: env:HUB_SECRET } }
backends: { orders: { url: "https://orders.contoso.com", credentials: { header: { X-Key: { secret: env:KEY } }, query: { code: { secret: env:CODE } } } } }
apis: { orders: { backend: orders, path: orders, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }
products: { starter: { apis: [ orders ] } }
%s
`

// No command shows a secret that it comes by, whether it succeeds or finds faults.
func TestCommandsShowNoSecrets(t *testing.T) {
	env := []string{
		"SEALING_KEY=planted-sealing-key-of-thirty-two-bytes", "NAMED=planted-named", "PFX=planted-pfx", "PFX_PASSWORD=planted-password",
		"HUB_SECRET=planted-hub-secret", "KEY=planted-key", "CODE=planted-code",
	}
	const document = `<policies><inbound><set-header name="X-Named"><value>{{named}}</value></set-header></inbound><backend><forward-request /></backend><outbound /></policies>`
	const faulty = `<policies><inbound><rate-limit calls="{{named}}" renewal-period="x" /></inbound></policies>`
	const test = "A call.\n-- backend --\nHTTP/1.1 500\n\nno\n-- request --\nGET /orders\nOcp-Apim-Subscription-Key: planted-subscription\n\n-- want --\nnothing\n"
	for _, x := range []struct{ yaml, document string }{{"", document}, {"broken: { secret: env:NAMED }", document}, {"", faulty}} {
		dir := writeFiles(t, map[string]string{"gateway.yaml": fmt.Sprintf(leaksFolder, x.yaml), "a.xml": x.document, "a.txtar": test})
		folder := "--folder=" + dir
		store := filepath.Join(dir, "state.db")
		snapshot := filepath.Join(dir, "gateway.snapshot")
		var all strings.Builder
		for _, args := range [][]string{
			{"validate", dir}, {"build", dir, "-o", snapshot, "-report", filepath.Join(dir, "report.json")}, {"test", dir}, {"assess", dir}, {"assess", "--json", dir},
			{"keys", "create", folder, "--scope", "product:starter", "--id", "ann"}, {"keys", "list", folder}, {"keys", "show", folder, "ann"},
			{"connections", "list", folder}, {"connections", "add", folder, "hub/shared"}, {"connections", "test", folder, "hub/shared"},
			{"serve", dir, "--listen", "127.0.0.1:0"}, // the PFX is none, so it does not start
		} {
			ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: args, Dir: peer.Root(t), Env: env})
			out := string(ended.Stdout) + string(ended.Stderr)
			fmt.Fprintln(&all, args, ended.ExitCode, out)
			if strings.Contains(out, "planted") {
				t.Errorf("%s shows a secret:\n%s", strings.Join(args, " "), out)
			}
			if args[0] == "keys" && args[1] == "create" && ended.ExitCode == 0 {
				for _, key := range keyPattern.FindAllString(out, -1) { // shown once, and kept nowhere
					env = append(env, "PLANTED_"+fmt.Sprint(len(env))+"="+key)
				}
			} else if keyPattern.MatchString(snapshotHash.ReplaceAllString(out, "")) {
				t.Errorf("%s shows a key:\n%s", strings.Join(args, " "), out)
			}
		}
		for _, name := range []string{store, snapshot, filepath.Join(dir, "report.json")} {
			content, err := os.ReadFile(name)
			if err != nil && x.yaml == "" && x.document == document {
				t.Errorf("%v after\n%s", err, all.String())
			}
			for _, variable := range env {
				_, value, _ := strings.Cut(variable, "=")
				if strings.Contains(string(content), value) {
					t.Errorf("%s has %s", filepath.Base(name), variable)
				}
			}
		}
	}
}

// snapshotHash is what build prints of a snapshot, which looks like a key.
var snapshotHash = regexp.MustCompile(`, hash [0-9a-f]{64}\)`)
