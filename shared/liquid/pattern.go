package liquid

import (
	"regexp"
	"strings"

	"toolgate/shared/pattern"
)

// patterns are the regular expressions of a rendering: a loop uses the same
// ones again and again.
type patterns map[string]*regexp.Regexp

const maxPatterns = 100

func (p *patterns) compile(pattern string) (*regexp.Regexp, *Error) {
	if re := (*p)[pattern]; re != nil {
		return re, nil
	}
	if len(pattern) > 1000 {
		return nil, failure("write a shorter pattern", "a regular expression is longer than 1000 bytes")
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, failure("write it without lookaround and back references, and escape . $ ^ { [ ( | ) * + ? \\ where they are meant as they stand",
			"%q is not a regular expression that can be used: %v", pattern, err)
	}
	if *p == nil || len(*p) >= maxPatterns {
		*p = patterns{}
	}
	(*p)[pattern] = re
	return re, nil
}

// replace is Replace: its first argument is a regular expression, and in the
// second $1 and ${name} stand for groups. limit is 1 or, for all matches, -1.
func (s *state) replace(in any, args []any, limit int) (any, *Error) {
	whole, pattern := text(in), text(args[0])
	if in == nil || whole == "" || pattern == "" {
		return in, nil
	}
	re, err := s.patterns.compile(pattern)
	if err != nil {
		return nil, err
	}
	if err := s.spend(len(whole) / 16); err != nil {
		return nil, err
	}
	replacement := argument(args, 1, "")
	var b strings.Builder
	end := 0
	for _, m := range re.FindAllStringSubmatchIndex(whole, limit) {
		b.WriteString(whole[end:m[0]])
		expand(&b, re, replacement, whole, m)
		end = m[1]
		if b.Len() > s.maxOutput {
			return nil, s.tooLarge()
		}
	}
	return s.joined(b.String(), whole[end:])
}

var substitutions = pattern.Lazy(`\$(?:(\$)|(&)|(\d{1,3})|\{(\w+)\})`)

// expand writes a replacement with .NET's substitutions; what names no group
// stays.
func expand(b *strings.Builder, re *regexp.Regexp, replacement, whole string, match []int) {
	end := 0
	for _, m := range substitutions().FindAllStringSubmatchIndex(replacement, -1) {
		b.WriteString(replacement[end:m[0]])
		end = m[1]
		group := -1
		switch {
		case m[2] >= 0:
			b.WriteByte('$')
			continue
		case m[4] >= 0:
			group = 0
		case m[6] >= 0:
			group = groupNumber(replacement[m[6]:m[7]], re)
		default:
			group = groupNumber(replacement[m[8]:m[9]], re)
		}
		switch {
		case group < 0:
			b.WriteString(replacement[m[0]:m[1]])
		case match[2*group] >= 0:
			b.WriteString(whole[match[2*group]:match[2*group+1]])
		}
	}
	b.WriteString(replacement[end:])
}

// groupNumber is the group of a name or number; -1: there is none.
func groupNumber(name string, re *regexp.Regexp) int {
	if i := re.SubexpIndex(name); i >= 0 {
		return i
	}
	n, ok := integer(name)
	if !ok || n > int64(re.NumSubexp()) {
		return -1
	}
	return int(n)
}
