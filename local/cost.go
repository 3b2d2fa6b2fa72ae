package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"toolgate/shared/cost"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// listPrices are what cost multiplies by where it is given no others.
//
//go:embed prices.json
var listPrices []byte

// notIncluded is what a bill has none of.
const notIncluded = `Not included: traffic, storage, secrets, DNS, Front Door or WAF, network (VNet, private endpoints), always-ready
instances, starts of new instances, removing expired rows on Azure Tables, open streams of HTTP+SSE, taxes, discounts.
An MCP client makes requests of its own (initialize, tools/list) beside its calls: count them as calls.
API Management has a portal, a service level and more policies; its store and its logs are not in its lines.`

// monthlyCost prints what a month of calls costs.
func monthlyCost(ctx context.Context, c *call) error {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	l := cost.Load{}
	flags.Float64Var(&l.Calls, "calls", 1e6, "requests in a `month`")
	flags.Float64Var(&l.LatencyMS, "latency", 200, "mean `milliseconds` until an answer is complete, backend included")
	flags.Float64Var(&l.Hours, "hours", 730, "in how many `hours` of the month they come")
	flags.IntVar(&l.FlexMB, "flex-memory", 512, "`megabytes` of an instance of Azure Functions: 512, 2048 or 4096")
	flags.IntVar(&l.FlexConcurrency, "flex-concurrency", 4, "`calls` that an instance takes at once")
	flags.IntVar(&l.LambdaMB, "lambda-memory", 256, "`megabytes` of the Lambda function")
	flags.StringVar(&l.Arch, "lambda-arch", "arm64", "its `machine`: arm64 or x86_64")
	flags.Float64Var(&l.LogBytes, "log-bytes", 0, "`bytes` that a call leaves in logs and telemetry")
	policies := flags.String("policies", "", "policies that ask the store, with `commas`; default: those of DIR")
	file := flags.String("prices", "", "a `file` of prices, in the form of local/prices.json")
	asJSON := flags.Bool("json", false, "write the bills as JSON")
	args, err := c.parse(flags, 0, 1)
	if err != nil {
		return err
	}
	if l.Arch != "arm64" && l.Arch != "x86_64" {
		return fmt.Errorf("the machine is %q: write arm64 or x86_64", l.Arch)
	}
	content := listPrices
	if *file != "" {
		if content, err = os.ReadFile(*file); err != nil {
			return fmt.Errorf("reading the prices: %w", err)
		}
	}
	prices, err := cost.ReadPrices(content)
	if err != nil {
		return err
	}
	switch {
	case *policies != "":
		l.Uses = strings.FieldsFunc(*policies, func(r rune) bool { return r == ',' || r == ' ' })
	case len(args) == 1:
		if l.Uses, err = storeUses(ctx, args[0], c.env); err != nil {
			return err
		}
	}
	if err := l.Check(); err != nil {
		return err
	}
	bills := append([]cost.Bill{l.Flex(prices), l.Lambda(prices)}, l.Tiers(prices)...)
	if *asJSON {
		return json.MarshalWrite(c.stdout, struct {
			Date     string      `json:"date"`
			Currency string      `json:"currency"`
			Bills    []cost.Bill `json:"bills"`
		}{prices.Date, prices.Currency, bills}, jsontext.Multiline(true))
	}
	return printBills(c.stdout, prices, bills)
}

// storeUses are what of a folder asks the store, by the names of the counted rows.
func storeUses(ctx context.Context, dir string, env func(string) (string, bool)) ([]string, error) {
	result, _, err := compile(ctx, dir, env)
	if err != nil {
		return nil, err
	}
	s, err := snapshot.Load(bytes.NewReader(result.Snapshot), int64(len(result.Snapshot)))
	if err != nil {
		return nil, err
	}
	var names []string
	count := func(file string, content []byte, err error) error {
		if err != nil {
			return err
		}
		document, _ := policy.Parse(file, content, policy.ParseOptions{}) // the build found no fault
		for e := range document.All() {
			names = append(names, e.Name)
		}
		return nil
	}
	for i, p := range s.Policies {
		content, err := s.Policy(i + 1)
		if err := count(p.File, content, err); err != nil {
			return nil, err
		}
	}
	for _, f := range s.Fragments {
		content, err := s.Fragment(f.ID)
		if err := count(f.File, content, err); err != nil {
			return nil, err
		}
	}
	if takesKeys(&s.Manifest) {
		names = append(names, "subscription keys")
	}
	if slices.ContainsFunc(s.Servers, func(server snapshot.Server) bool { return server.Cache != nil }) {
		names = append(names, "cache")
	}
	known := cost.Uses()
	names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(known, name) })
	slices.Sort(names)
	return slices.Compact(names), nil
}

func printBills(w io.Writer, p *cost.Prices, bills []cost.Bill) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "A MONTH\t%s\t\n", p.Currency)
	for _, b := range bills {
		fmt.Fprintf(table, "%s\t%s\t%s\n", b.Where, between(b.Low, b.High), b.Note)
		for _, line := range b.Lines {
			if len(b.Lines) > 1 {
				fmt.Fprintf(table, "  %s\t%s\t%s\n", line.What, between(line.Low, line.High), line.How)
			}
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nList prices of %s (%s). Check them:\n", p.Date, p.Region)
	for _, s := range p.Sources {
		fmt.Fprintf(w, "  %s: %s\n", s.Of, cmp.Or(s.Where, "not said"))
	}
	fmt.Fprintf(w, "\n%s\n", notIncluded)
	return nil
}

// between are the bounds of an amount; one where they are the same.
func between(low, high float64) string {
	a, b := fmt.Sprintf("%.2f", low), fmt.Sprintf("%.2f", high)
	if a == b {
		return a
	}
	return a + " to " + b
}
