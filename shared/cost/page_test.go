package cost

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// introduction begins the page; %s is the date of the prices, and %s where they are of.
const introduction = `# What a month costs

` + "`go run ./local cost [DIR] --calls N --latency MS`" + ` computes this table for your load, your policies and your prices (` + "`--prices FILE`" + `, in the form of [local/prices.json](../../local/prices.json), which also says where each price was found). The prices here are list prices as of %s (%s), in %s. Most were quoted by third parties: check them before you decide. ` + "`go test ./shared/cost -update`" + ` writes the page.

Azure Functions is the plan Flex Consumption with instances of 512 MB that take 4 calls at once, AWS Lambda a function of 256 MB on arm64. Calls are spread over the whole month and governed by one ` + "`rate-limit-by-key`" + `, counted in [shared/services](../services/README.md).

- *Azure Functions* bills an instance while it has at least one call, for a second at least: GB × seconds × price + executions × price + operations × price. The lower bound has calls come at random and share instances: max(time × (1 − e^(−rate × max(latency, 1 s))), calls × latency ÷ calls at once). The upper bound gives each call an instance of its own.
- *AWS Lambda* bills each call for its own milliseconds: calls × latency × GB × price + requests × price + request units × price.
- Free grants are taken off. The bounds of the store are its cheapest and its dearest situation.
- *API Management* is what a month of its units costs, with the calls beyond those included; sources disagree on some. Its tier Consumption has no MCP servers and is not in the table. Tiers buy more than a gateway: a portal, a service level, support.
- Not included: logs and telemetry (` + "`--log-bytes`" + ` adds them, and they can cost more than everything else), traffic, storage, secrets, DNS, Front Door or WAF, networks, always-ready instances, starts of new instances, removal of expired rows on Azure Tables, open streams of HTTP+SSE, taxes and discounts.

`

// TestPage holds README.md against what the prices of this repository come to.
func TestPage(t *testing.T) {
	p := prices(t)
	var b strings.Builder
	fmt.Fprintf(&b, introduction, p.Date, p.Region, p.Currency)
	b.WriteString("| calls | latency | Azure Functions | AWS Lambda |")
	l := load()
	for _, tier := range p.Tiers {
		if tier.MCP {
			b.WriteString(" " + tier.Name + " |")
		}
	}
	b.WriteString("\n|--:|--:|--:|--:|" + strings.Repeat("--:|", strings.Count(b.String()[strings.LastIndexByte(b.String(), '\n')+1:], "|")-5))
	l.Uses = []string{"rate-limit-by-key"}
	for _, calls := range []float64{1e5, 1e6, 1e7, 1e8} {
		for _, latency := range []float64{50, 200, 1000} {
			l.Calls, l.LatencyMS = calls, latency
			fmt.Fprintf(&b, "\n| %.1f M | %.0f ms | %s | %s |", calls/1e6, latency, bounds(l.Flex(p)), bounds(l.Lambda(p)))
			for i, bill := range l.Tiers(p) {
				if p.Tiers[i].MCP {
					b.WriteString(" " + bounds(bill) + " |")
				}
			}
		}
	}
	b.WriteByte('\n')
	if *update {
		if err := os.WriteFile("README.md", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	page, err := os.ReadFile("README.md")
	if err != nil || string(page) != b.String() {
		t.Errorf("README.md is stale, %v: go test ./shared/cost -update writes it", err)
	}
}

func bounds(b Bill) string {
	low, high := fmt.Sprintf("%.2f", b.Low), fmt.Sprintf("%.2f", b.High)
	if b.High >= 100 {
		low, high = fmt.Sprintf("%.0f", b.Low), fmt.Sprintf("%.0f", b.High)
	}
	if low == high {
		return low
	}
	return low + "–" + high
}
