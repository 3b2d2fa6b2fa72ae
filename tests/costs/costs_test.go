// Package costs_test counts what policies ask of the store, and writes it down with
// what that costs.
package costs_test

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/cryptotest"

	"toolgate/tests/internal/folder"
)

var update = flag.Bool("update", false, "write what the policies cost into the page")

// page is where the costs are written down.
var page = filepath.Join("..", "..", "shared", "services", "README.md")

// The prices, in dollars for a million. They are list prices as others quote them:
// see the introduction, which tells where and when.
const (
	tableOperation    = 0.036 // any operation of Azure Tables
	dynamoReadUnit    = 0.125
	dynamoWriteUnit   = 0.625
	introductionPrice = "- Azure Tables, any operation: $%.3f\n- DynamoDB on demand, read request unit: $%.3f\n- DynamoDB on demand, write request unit: $%.3f\n"
)

//go:embed introduction.md
var introduction string

// TestCosts compares the page with what is counted, and writes it with -update.
// Which calls meet in the store is by chance, so numbers may differ a little.
func TestCosts(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1) // from which limits take when to ask again
	content, err := folder.Compile(t.Context(), folder.Write(t, gatewayFolder()), nil)
	if err != nil {
		t.Fatalf("compiling the gateway: %v", err)
	}
	var got bytes.Buffer
	fmt.Fprintf(&got, introduction, fmt.Sprintf(introductionPrice, tableOperation, dynamoReadUnit, dynamoWriteUnit))
	got.WriteString("\n| what | how | reads | writes | Azure Tables | DynamoDB |\n|---|---|--:|--:|--:|--:|\n")
	var rows []measured
	for i := range situations {
		rows = append(rows, situations[i].measure(t, content))
	}
	for _, m := range append(rows, streams(t, content)...) {
		got.WriteString(m.row())
	}
	if *update {
		if err := os.WriteFile(page, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatalf("reading the page: %v", err)
	}
	if err := compare(got.String(), string(want)); err != nil {
		t.Errorf("%s is stale: %v; write it by go test ./tests/costs -update", page, err)
	}
}

// row is a row of the table: operations of a call, and the price of a million calls.
func (m measured) row() string {
	per := func(n int) float64 { return float64(n) / float64(m.calls) }
	table := tableOperation * per(m.reads+m.writes)
	dynamo := dynamoReadUnit*per(m.readUnits) + dynamoWriteUnit*per(m.writeUnits)
	return fmt.Sprintf("| %s | %s | %s | %s | $%s | $%s |\n", m.policy, m.how, short(per(m.reads)), short(per(m.writes)), short(table), short(dynamo))
}

// short is a number with two digits.
func short(v float64) string {
	if v = max(v, 0); v < 0.00005 {
		return "0"
	}
	digits := max(0, 1-int(math.Floor(math.Log10(v))))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// number is one in the table, apart from those in its first two columns.
var number = regexp.MustCompile(`\| \$?([0-9.]+) `)

// compare returns an error where pages differ by more than chance explains: a
// quarter of a number.
func compare(got, want string) error {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(g) != len(w) {
		return fmt.Errorf("it has %d lines, want %d", len(w), len(g))
	}
	for i := range g {
		if number.ReplaceAllString(g[i], "| # ") != number.ReplaceAllString(w[i], "| # ") {
			return fmt.Errorf("line %d: got %q, want %q", i+1, g[i], w[i])
		}
		a, b := number.FindAllStringSubmatch(g[i], -1), number.FindAllStringSubmatch(w[i], -1)
		for j := range a {
			x, err := strconv.ParseFloat(a[j][1], 64)
			y, err2 := strconv.ParseFloat(b[j][1], 64)
			if err != nil || err2 != nil || math.Abs(x-y) > max(x, y)/4 {
				return fmt.Errorf("line %d: counted %q, written %q", i+1, g[i], w[i])
			}
		}
	}
	return nil
}
