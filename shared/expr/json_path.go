package expr

import (
	"slices"
	"strconv"
	"strings"
)

// selectTokens evaluates a JSONPath: $ . .. ['name'] [n] [a,b] [a:b:c] * and
// filters [?(@.a == 'x' && @.b)].
func selectTokens(f *frame, root JToken, path string) []JToken {
	p := &pathReader{src: path, f: f}
	return p.run(root, []JToken{root}, "")
}

// pathReader applies a path as it reads it.
type pathReader struct {
	src   string
	pos   int
	f     *frame
	depth int
}

func (p *pathReader) fail(what string) {
	throw("JsonException", "%s in the path '%s' at %d.", what, p.src, p.pos)
}

func (p *pathReader) has(s string) bool { return strings.HasPrefix(p.src[p.pos:], s) }

func (p *pathReader) accept(s string) bool {
	if !p.has(s) {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *pathReader) space() {
	for p.accept(" ") {
	}
}

// run applies the steps up to the end or a character of stop.
func (p *pathReader) run(root JToken, set []JToken, stop string) []JToken {
	if p.accept("$") || p.accept("@") {
		if p.pos < len(p.src) && !strings.ContainsAny(p.src[p.pos:p.pos+1], ".["+stop+" ") {
			p.fail("Unexpected character")
		}
	}
	for p.pos < len(p.src) && strings.IndexByte(stop, p.src[p.pos]) < 0 {
		p.f.step(1 + len(set))
		deep := p.accept("..")
		if deep {
			set = p.descend(set)
		}
		if p.accept("[") {
			set = p.bracket(root, set)
			continue
		}
		p.accept(".")
		set = p.named(set)
	}
	return set
}

// descend gathers the tokens and all that is within them.
func (p *pathReader) descend(set []JToken) []JToken {
	var all []JToken
	var walk func(t JToken)
	walk = func(t JToken) {
		p.f.step(1)
		p.f.charge(16)
		if prop, ok := t.(*JProperty); ok {
			walk(prop.value)
			return
		}
		all = append(all, t)
		for _, c := range children(t) {
			walk(c)
		}
	}
	for _, t := range set {
		walk(t)
	}
	return all
}

func (p *pathReader) named(set []JToken) []JToken {
	start := p.pos
	for p.pos < len(p.src) && strings.IndexByte(".[] ()=<>!&|", p.src[p.pos]) < 0 {
		p.pos++
	}
	name := p.src[start:p.pos]
	if name == "" {
		p.fail("Unexpected end or character")
	}
	if name == "*" {
		return p.every(set)
	}
	return p.members(set, name)
}

func (p *pathReader) members(set []JToken, name string) []JToken {
	var out []JToken
	for _, t := range set {
		if o, ok := t.(*JObject); ok {
			if v := o.get(name); v != nil {
				out = append(out, v)
			}
		}
	}
	return out
}

func (p *pathReader) every(set []JToken) []JToken {
	var out []JToken
	for _, t := range set {
		for _, c := range children(t) {
			p.f.step(1)
			p.f.charge(16)
			if prop, ok := c.(*JProperty); ok {
				c = prop.value
			}
			out = append(out, c)
		}
	}
	return out
}

func (p *pathReader) bracket(root JToken, set []JToken) []JToken {
	p.space()
	switch {
	case p.accept("*"):
		set = p.every(set)
	case p.accept("?("):
		set = p.filter(root, set)
		if !p.accept(")") {
			p.fail("Expected )")
		}
	case p.has("'") || p.has(`"`):
		set = p.quotedNames(set)
	default:
		set = p.positions(set)
	}
	if p.space(); !p.accept("]") {
		p.fail("Expected ]")
	}
	return set
}

func (p *pathReader) quotedNames(set []JToken) []JToken {
	var out []JToken
	for {
		p.space()
		out = append(out, p.members(set, p.quoted())...)
		p.space()
		if !p.accept(",") {
			return out
		}
	}
}

func (p *pathReader) quoted() string {
	if p.pos >= len(p.src) || p.src[p.pos] != '\'' && p.src[p.pos] != '"' {
		p.fail("Expected a quoted name")
	}
	quote := p.src[p.pos]
	p.pos++
	var b strings.Builder
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		if c == quote {
			return b.String()
		}
		if c == '\\' && p.pos < len(p.src) {
			c = p.src[p.pos]
			p.pos++
		}
		b.WriteByte(c)
	}
	p.fail("Path ended with open string")
	return ""
}

// positions reads [1], [0,2] and [from:to:step].
func (p *pathReader) positions(set []JToken) []JToken {
	end := strings.IndexByte(p.src[p.pos:], ']')
	if end < 0 {
		p.fail("Path ended with open indexer")
	}
	text := p.src[p.pos : p.pos+end]
	p.pos += end
	var out []JToken
	for _, t := range set {
		a, ok := t.(*JArray)
		if !ok {
			continue
		}
		if strings.Contains(text, ":") {
			out = append(out, p.sliceOf(a, text)...)
			continue
		}
		for part := range strings.SplitSeq(text, ",") {
			i, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil {
				p.fail("Unexpected character while parsing path indexer")
			}
			if i >= 0 && i < len(a.items) {
				out = append(out, a.items[i])
			}
		}
	}
	return out
}

func (p *pathReader) sliceOf(a *JArray, text string) []JToken {
	n := len(a.items)
	given := [3]*int{}
	for i, part := range strings.SplitN(text, ":", 3) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		v, err := strconv.Atoi(part)
		if err != nil || i == 2 && v == 0 {
			p.fail("Unexpected array slice")
		}
		given[i] = &v
	}
	step := 1
	if given[2] != nil {
		step = max(min(*given[2], n+1), -n-1)
	}
	bound := func(v *int, otherwise int) int {
		if v == nil {
			return otherwise
		}
		at := *v
		if at < 0 {
			at += n
		}
		if step < 0 {
			return max(-1, min(at, n-1))
		}
		return max(0, min(at, n))
	}
	from, to := bound(given[0], 0), bound(given[1], n)
	if step < 0 {
		from, to = bound(given[0], n-1), bound(given[1], -1)
	}
	var out []JToken
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		out = append(out, a.items[i])
	}
	return out
}

// filter keeps the children for which the condition holds.
func (p *pathReader) filter(root JToken, set []JToken) []JToken {
	if p.depth++; p.depth > 8 {
		p.fail("Filters nest too deeply")
	}
	defer func() { p.depth-- }()
	start := p.pos
	var out []JToken
	for _, t := range p.every(set) {
		p.pos = start
		if p.or(root, t) {
			out = append(out, t)
		}
	}
	p.pos = start
	p.or(root, &JValue{k: jsonNull}) // to come to its end where there are no children
	return out
}

func (p *pathReader) or(root, t JToken) bool {
	holds := p.and(root, t)
	for p.accept("||") {
		right := p.and(root, t)
		holds = holds || right
	}
	return holds
}

func (p *pathReader) and(root, t JToken) bool {
	holds := p.comparison(root, t)
	for p.accept("&&") {
		right := p.comparison(root, t)
		holds = holds && right
	}
	return holds
}

var pathOperators = []string{"===", "!==", "==", "!=", "<>", "<=", ">=", "=~", "<", ">"}

func (p *pathReader) comparison(root, t JToken) bool {
	p.space()
	p.f.step(1)
	if p.accept("(") {
		if p.depth++; p.depth > 32 {
			p.fail("Filters nest too deeply")
		}
		holds := p.or(root, t)
		p.depth--
		if p.space(); !p.accept(")") {
			p.fail("Expected )")
		}
		p.space()
		return holds
	}
	left := p.pathOperand(root, t)
	p.space()
	op := ""
	for _, o := range pathOperators {
		if p.accept(o) {
			op = o
			break
		}
	}
	if op == "" {
		return len(left) > 0
	}
	p.space()
	right := p.pathOperand(root, t)
	p.space()
	for _, l := range left {
		if slices.ContainsFunc(right, func(r JToken) bool { return pathHolds(p, op, l, r) }) {
			return true
		}
	}
	return false
}

func (p *pathReader) pathOperand(root, t JToken) []JToken {
	switch {
	case p.pos >= len(p.src):
		p.fail("Path ended with open query")
	case p.has("@"):
		return p.run(root, []JToken{t}, " )=<>!&|]")
	case p.has("$"):
		return p.run(root, []JToken{root}, " )=<>!&|]")
	case p.has("'"), p.has(`"`):
		return []JToken{&JValue{v: p.quoted(), k: jsonString}}
	case p.has("/"):
		end := strings.LastIndexByte(p.src, '/')
		if end <= p.pos {
			p.fail("Path ended with an open regex")
		}
		end++
		for end < len(p.src) && strings.IndexByte("imsx", p.src[end]) >= 0 {
			end++
		}
		text := p.src[p.pos:end]
		p.pos = end
		return []JToken{&JValue{v: text, k: jsonString}}
	}
	r := &jsonReader{src: p.src, pos: p.pos, f: p.f}
	v := r.token()
	p.pos = r.pos
	return []JToken{v}
}

func pathHolds(p *pathReader, op string, l, r JToken) bool {
	a, okA := l.(*JValue)
	b, okB := r.(*JValue)
	if !okA || !okB {
		return false
	}
	if op == "=~" {
		text, _ := b.v.(string)
		end := strings.LastIndexByte(text, '/')
		if end < 1 {
			return false
		}
		options := ""
		if flags := strings.Trim(text[end+1:], "x"); flags != "" {
			options = "(?" + flags + ")"
		}
		return compileRegex(p.f, options+text[1:end], 0).match(p.f, display(a))
	}
	x, y := a.scalar(), b.scalar()
	if s, ok := y.(string); ok && a.k == jsonDate {
		x = strings.Trim(writeJSON(a, false), `"`)
		y = s
	}
	equal := valuesEqual(x, y)
	switch op {
	case "==", "===":
		return equal
	case "!=", "!==", "<>":
		return !equal
	}
	c, ok := compareScalars(x, y)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func compareScalars(x, y any) (int, bool) {
	if rank(x) > 0 && rank(y) > 0 {
		return compareNumbers(x, y)
	}
	a, okA := x.(string)
	b, okB := y.(string)
	return strings.Compare(a, b), okA && okB
}
