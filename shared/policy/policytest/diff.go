package policytest

import (
	"fmt"
	"slices"
	"strings"
)

// around is how many equal lines Diff shows beside a difference.
const around = 3

// Diff shows how a transcript differs from the one that is wanted: "-" stands
// before lines that are wanted and missing, "+" before those that nobody wants.
// Every line has the number that it has in the test file, of which want begins
// at line; those that are not in the file have none.
func Diff(want, got string, line int) string {
	a, b := lines(want), lines(got)
	same := common(a, b)
	var marked []markedLine
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			marked = append(marked, markedLine{' ', line + i, a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && same[i+1][j] >= same[i][j+1]:
			marked = append(marked, markedLine{'-', line + i, a[i]})
			i++
		default:
			marked = append(marked, markedLine{'+', 0, b[j]})
			j++
		}
	}
	return hunks(marked)
}

type markedLine struct {
	mark byte // ' ', '-' or '+'
	line int
	text string
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// common tells for every pair of places how many lines the rests of two texts
// have in common, in order.
func common(a, b []string) [][]int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i, want := range slices.Backward(a) {
		for j, got := range slices.Backward(b) {
			if want == got {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

// hunks writes the differences with a few lines around them.
func hunks(list []markedLine) string {
	near := make([]bool, len(list))
	for i, l := range list {
		if l.mark != ' ' {
			for k := max(0, i-around); k < min(len(list), i+around+1); k++ {
				near[k] = true
			}
		}
	}
	var out strings.Builder
	for i, l := range list {
		switch {
		case near[i] && l.line > 0:
			fmt.Fprintf(&out, "%5d %c %s\n", l.line, l.mark, l.text)
		case near[i]:
			fmt.Fprintf(&out, "      %c %s\n", l.mark, l.text)
		case i > 0 && near[i-1]:
			out.WriteString("  ...\n")
		}
	}
	return out.String()
}
