package telemetry_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// token is a word, number, text or sign of a query.
type token struct {
	kind rune // w for a word, n for a number, s for a text, or the sign
	text string
}

// tokens takes a query apart, as KQL, CloudWatch Logs Insights and PromQL write it. What
// is in braces or begins with a dollar is a parameter of a dashboard in KQL alone.
func tokens(query string) (list []token, err error) {
	r := []rune(query)
	for i := 0; i < len(r); {
		begin := i
		switch c := r[i]; {
		case unicode.IsSpace(c):
			i++
			continue
		case c == '\'' || c == '"':
			for i++; i < len(r) && r[i] != c; i++ {
				if r[i] == '\\' {
					i++
				}
			}
			if i >= len(r) {
				return nil, fmt.Errorf("the text %q does not end", string(r[begin:]))
			}
			i++
			list = append(list, token{'s', string(r[begin+1 : i-1])})
		case unicode.IsLetter(c) || c == '_' || c == '$':
			for i < len(r) && (unicode.IsLetter(r[i]) || unicode.IsDigit(r[i]) || r[i] == '_' || r[i] == '$' || r[i] == ':' && i > begin && i+1 < len(r) && unicode.IsLetter(r[i+1])) {
				i++
			}
			list = append(list, token{'w', string(r[begin:i])})
		case unicode.IsDigit(c):
			for i < len(r) && (unicode.IsLetter(r[i]) || unicode.IsDigit(r[i]) || r[i] == '.') {
				i++
			}
			list = append(list, token{'n', string(r[begin:i])})
		default:
			i++
			list = append(list, token{c, string(c)})
		}
	}
	return list, balanced(list)
}

// balanced tells whether each bracket has its counterpart.
func balanced(list []token) error {
	closes := map[rune]rune{'(': ')', '[': ']', '{': '}'}
	var open []rune
	for _, t := range list {
		switch t.kind {
		case '(', '[', '{':
			open = append(open, closes[t.kind])
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != t.kind {
				return fmt.Errorf("%q closes nothing", t.kind)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%q is missing", open[len(open)-1])
	}
	return nil
}

// split cuts tokens at a sign outside of brackets.
func split(list []token, at rune) (parts [][]token) {
	depth, begin := 0, 0
	for i, t := range list {
		switch t.kind {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case at:
			if depth == 0 {
				parts, begin = append(parts, list[begin:i]), i+1
			}
		}
	}
	return append(parts, list[begin:])
}

// kqlFunctions and kqlWords are what the queries use of the language.
var (
	kqlFunctions = strings.Fields("parse_json tostring toint todouble tobool isempty isnotempty iff count countif percentile round max avg sum bin split array_length")
	kqlWords     = strings.Fields("and or in has startswith contains by asc desc true false")
)

// kql follows a query of KQL from its table on, and returns the members that it takes
// of the column line. Every name must be a column where it stands.
func kql(query string, tables map[string][]string) (members []string, err error) {
	list, err := tokens(strings.NewReplacer("{TimeRange:grain}", "1h", "{Server}", "orders").Replace(query))
	if err != nil {
		return nil, err
	}
	stages := split(list, '|')
	if len(stages[0]) != 1 || tables[stages[0][0].text] == nil {
		return nil, fmt.Errorf("%v is no table", stages[0])
	}
	columns := map[string]bool{}
	for _, name := range tables[stages[0][0].text] {
		columns[name] = true
	}
	for _, stage := range stages[1:] {
		if len(stage) == 0 || stage[0].kind != 'w' {
			return nil, fmt.Errorf("%v is no stage", stage)
		}
		if stage[0].text == "union" { // of rows that a parameter offers besides
			continue
		}
		used, next, err := kqlStage(stage[0].text, stage[1:], columns)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", stage[0].text, err)
		}
		members, columns = append(members, used...), next
	}
	return members, nil
}

// kqlStage follows one stage, and returns the columns that there are behind it.
func kqlStage(operator string, list []token, columns map[string]bool) (members []string, next map[string]bool, err error) {
	next = maps.Clone(columns)
	var groups [][]token
	switch operator {
	case "where", "order", "top", "take", "distinct":
		groups = [][]token{list}
	case "extend":
		groups = split(list, ',')
	case "project", "summarize":
		next = map[string]bool{}
		for _, part := range splitBy(list) {
			groups = append(groups, split(part, ',')...)
		}
	default:
		return nil, nil, fmt.Errorf("no operator that the tests know")
	}
	for _, g := range groups {
		name := ""
		if len(g) > 2 && g[0].kind == 'w' && g[1].kind == '=' && g[2].kind != '=' && operator != "where" {
			name, g = g[0].text, g[2:]
		}
		used, err := kqlExpression(g, columns)
		if err != nil {
			return nil, nil, err
		}
		members = append(members, used...)
		if name == "" && operator != "where" {
			name = named1(g)
		}
		if name != "" {
			next[name] = true
		}
	}
	return members, next, nil
}

// splitBy cuts what is before the word by from what is behind it.
func splitBy(list []token) [][]token {
	if i := slices.IndexFunc(list, func(t token) bool { return t.kind == 'w' && t.text == "by" }); i >= 0 {
		return [][]token{list[:i], list[i+1:]}
	}
	return [][]token{list}
}

// named1 is the name that KQL gives an expression of one column: that column's.
func named1(list []token) string {
	for i, t := range list {
		if t.kind == 'w' && (i+1 >= len(list) || list[i+1].kind != '(') {
			return t.text
		}
	}
	return ""
}

func kqlExpression(list []token, columns map[string]bool) (members []string, err error) {
	for i, t := range list {
		switch {
		case t.kind != 'w' || slices.Contains(kqlWords, t.text):
		case i > 1 && list[i-1].kind == '.':
			if list[i-2].text == "line" {
				members = append(members, t.text)
			}
		case i+1 < len(list) && list[i+1].kind == '(':
			if !slices.Contains(kqlFunctions, t.text) {
				return nil, fmt.Errorf("%s is no function", t.text)
			}
		case !columns[t.text]:
			return nil, fmt.Errorf("there is no column %s here, only %q", t.text, slices.Sorted(maps.Keys(columns)))
		}
	}
	return members, nil
}

// promQL returns the series of a query of PromQL, and the labels that it names, by
// which or of which it selects.
func promQL(query string) (series, labels []string, err error) {
	list, err := tokens(query)
	if err != nil {
		return nil, nil, err
	}
	inBraces, by := false, false
	for i, t := range list {
		follows := rune(0)
		if i+1 < len(list) {
			follows = list[i+1].kind
		}
		switch {
		case t.kind == '{' || t.kind == '}':
			inBraces = t.kind == '{'
		case t.kind == ')':
			by = false
		case t.kind != 'w' || strings.HasPrefix(t.text, "$"):
		case t.text == "by":
			by = true
		case inBraces || by:
			labels = append(labels, t.text)
		case follows == '(' || list[min(i+1, len(list)-1)].text == "by":
			if !slices.Contains([]string{"sum", "rate", "increase", "histogram_quantile", "label_values"}, t.text) {
				return nil, nil, fmt.Errorf("%s is no function", t.text)
			}
		default:
			series = append(series, t.text)
		}
	}
	return series, labels, nil
}

// insights returns the fields that a query of CloudWatch Logs Insights reads.
func insights(query string) (fields []string, err error) {
	list, err := tokens(query)
	if err != nil {
		return nil, err
	}
	words := strings.Fields("filter fields stats sort limit and or as by desc asc")
	made := map[string]bool{}
	for i, stage := range split(list, '|') {
		if i == 0 { // where it looks
			if len(stage) != 2 || stage[0].text != "SOURCE" || stage[1].kind != 's' {
				return nil, fmt.Errorf("%v is no source", stage)
			}
			continue
		}
		if len(stage) == 0 || !slices.Contains(words[:5], stage[0].text) {
			return nil, fmt.Errorf("%v is no stage", stage)
		}
		for j, t := range stage {
			if j > 0 && stage[j-1].text == "as" {
				made[t.text] = true
			}
		}
		for j, t := range stage {
			isFunction := j+1 < len(stage) && stage[j+1].kind == '('
			if t.kind == 'w' && !slices.Contains(words, t.text) && !made[t.text] && (!isFunction || stage[j].text == "SOURCE") {
				fields = append(fields, t.text)
			}
		}
	}
	return fields, nil
}

// The checks themselves find what is wrong.
func TestQueriesThatAreWrong(t *testing.T) {
	tables := map[string][]string{"AppTraces": {"TimeGenerated", "Message"}}
	const begin = "AppTraces | extend line = parse_json(Message) | extend tool = tostring(line.name)"
	if members, err := kql(begin+" | summarize calls = count() by bin(TimeGenerated, {TimeRange:grain}), tool | where calls > 1", tables); err != nil || !slices.Equal(members, []string{"name"}) {
		t.Errorf("got %q, %v", members, err)
	}
	for _, query := range []string{
		"Traces | take 1", begin + " | where toll == 'a'", begin + " | where tool == 'a", begin + " | where (tool == 'a'",
		begin + " | summarize calls = count() by tool | where TimeGenerated > 1", begin + " | were tool == 'a'", begin + " | where contained(tool)", begin + " |",
	} {
		if _, err := kql(query, tables); err == nil {
			t.Errorf("%s: got no fault", query)
		}
	}
	series, labels, err := promQL(`histogram_quantile(0.95, sum by (le, a_b) (rate(calls_bucket{c=~"$server", d!=""}[$__rate_interval])))`)
	if err != nil || !slices.Equal(series, []string{"calls_bucket"}) || !slices.Equal(labels, []string{"le", "a_b", "c", "d"}) {
		t.Errorf("got %q of %q, %v", labels, series, err)
	}
	for _, query := range []string{`sum(rate(calls[5m])`, `some(calls)`, `calls{a="b}`} {
		if _, _, err := promQL(query); err == nil {
			t.Errorf("%s: got no fault", query)
		}
	}
	fields, err := insights("SOURCE 'log' | filter msg = 'call' and ispresent(isError) | stats count(*) as calls, pct(ms, 95) as p95 by server | sort calls desc | limit 5")
	if err != nil || !slices.Equal(fields, []string{"msg", "isError", "ms", "server"}) {
		t.Errorf("got %q, %v", fields, err)
	}
}
