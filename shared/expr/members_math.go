package expr

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strings"
)

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// base64Lines breaks lines after 76 characters if options say so.
func base64Lines(b []byte, options any) string {
	s := base64Text(b)
	if integer(options) == 0 {
		return s
	}
	var out strings.Builder
	for len(s) > 76 {
		out.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	return out.String() + s
}

// fromBase64 ignores white space, as .NET does, and wants padding.
func fromBase64(s string) []byte {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, s)
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		throw("FormatException", "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, or an illegal character among the padding characters.")
	}
	return b
}

func hexText(b []byte, between string) string {
	s := strings.ToUpper(hex.EncodeToString(b))
	if between == "" {
		return s
	}
	parts := make([]string, len(b))
	for i := range b {
		parts[i] = s[2*i : 2*i+2]
	}
	return strings.Join(parts, between)
}

// real makes a row of a function of doubles.
func real(name string, fn func(float64) float64, example, want string) row {
	return row{"static double " + name + "(double d)", func(_ *frame, a []any) any { return fn(a[0].(float64)) }, example, want}
}

// overNumbers makes rows of a function for every numeric type.
func overNumbers(name string, params int, fn func(a []any) any, want string) []row {
	var rows []row
	for _, t := range []string{"int", "long", "double", "decimal", "float", "ulong", "uint", "short", "byte"} {
		sig, example := "static "+t+" "+name+"("+t+" a", "Math."+name+"(("+t+")5"
		if params == 2 {
			sig, example = sig+", "+t+" b", example+", ("+t+")3"
		}
		rows = append(rows, row{sig + ")", func(_ *frame, a []any) any { return fn(a) }, example + ")", want})
	}
	return rows
}

func abs(a []any) any {
	if c, _ := compareNumbers(a[0], int32(0)); c >= 0 {
		return a[0]
	}
	if f, ok := a[0].(float64); ok {
		return math.Abs(f)
	}
	v := arithmetic("-", int32(0), a[0], false)
	n, _ := toNumber(v, goTypeName(a[0]))
	if integer(n) < 0 && rank(n) < 5 {
		throw("OverflowException", "Negating the minimum value of a twos complement number is invalid.")
	}
	return n
}

func pick(want int) func(a []any) any {
	return func(a []any) any {
		if c, _ := compareNumbers(a[0], a[1]); c == want {
			return a[0]
		}
		return a[1]
	}
}

// roundTo rounds a double on its decimal text, so that 2.675 is what is seen.
func roundTo(v any, digits int, mode any) any {
	away := mode != nil && integer(mode) == 1
	if digits < 0 || digits > 28 || digits > 15 && rank(v) == 6 {
		throwRange("digits")
	}
	if d, ok := v.(Decimal); ok {
		return d.round(digits, away)
	}
	f := v.(float64)
	if math.IsNaN(f) || math.Abs(f) >= 1e16 {
		return f
	}
	p := math.Pow10(digits)
	scaled := f * p
	if away {
		return math.Round(scaled) / p
	}
	return math.RoundToEven(scaled) / p
}

func mathRows() []row {
	rows := overNumbers("Abs", 1, abs, "5")
	rows = append(rows, overNumbers("Max", 2, pick(1), "5")...)
	rows = append(rows, overNumbers("Min", 2, pick(-1), "3")...)
	for _, t := range []string{"double", "decimal"} {
		x := map[string]string{"double": "", "decimal": "m"}[t]
		rows = append(rows,
			row{"static " + t + " Round(" + t + " a)", func(_ *frame, a []any) any { return roundTo(a[0], 0, nil) }, "Math.Round(2.5" + x + ")", "2"},
			row{"static " + t + " Round(" + t + " a, int digits)", func(_ *frame, a []any) any { return roundTo(a[0], number(a, 1), nil) }, "Math.Round(1.235" + x + ", 1)", "1.2"},
			row{"static " + t + " Round(" + t + " a, MidpointRounding mode)", func(_ *frame, a []any) any { return roundTo(a[0], 0, a[1]) }, "Math.Round(2.5" + x + ", MidpointRounding.AwayFromZero)", "3"},
			row{"static " + t + " Round(" + t + " a, int digits, MidpointRounding mode)", func(_ *frame, a []any) any { return roundTo(a[0], number(a, 1), a[2]) }, "Math.Round(0.25" + x + ", 1, MidpointRounding.AwayFromZero)", "0.3"},
			row{"static " + t + " Floor(" + t + " a)", floorOf(math.Floor, -1), "Math.Floor(-1.5" + x + ")", "-2"},
			row{"static " + t + " Ceiling(" + t + " a)", floorOf(math.Ceil, 1), "Math.Ceiling(1.2" + x + ")", "2"},
			row{"static " + t + " Truncate(" + t + " a)", floorOf(math.Trunc, 0), "Math.Truncate(-1.7" + x + ")", "-1"},
			row{"static int Sign(" + t + " a)", func(_ *frame, a []any) any {
				c, _ := compareNumbers(a[0], int32(0))
				return int32(c) //nolint:gosec // -1 to 1
			}, "Math.Sign(-2.5" + x + ")", "-1"})
	}
	return append(rows,
		row{"static double Pow(double x, double y)", func(_ *frame, a []any) any { return math.Pow(a[0].(float64), a[1].(float64)) }, `Math.Pow(2, 10)`, "1024"},
		row{"static double Log(double a, double newBase)", func(_ *frame, a []any) any { return math.Log(a[0].(float64)) / math.Log(a[1].(float64)) }, `Math.Log(8, 2)`, "3"},
		row{"static double Atan2(double y, double x)", func(_ *frame, a []any) any { return math.Atan2(a[0].(float64), a[1].(float64)) }, `Math.Atan2(0, 1)`, "0"},
		real("Sqrt", math.Sqrt, `Math.Sqrt(9)`, "3"), real("Exp", math.Exp, `Math.Exp(0)`, "1"), real("Log", math.Log, `Math.Log(1)`, "0"),
		real("Log10", math.Log10, `Math.Log10(1000)`, "3"), real("Sin", math.Sin, `Math.Sin(0)`, "0"), real("Cos", math.Cos, `Math.Cos(0)`, "1"), real("Tan", math.Tan, `Math.Tan(0)`, "0"),
		row{"static double PI", func(*frame, []any) any { return math.Pi }, `Math.PI`, "3.141592653589793"},
		row{"static double E", func(*frame, []any) any { return math.E }, `Math.E`, "2.718281828459045"})
}

// floorOf applies fn to doubles; decimals are cut and moved in direction.
func floorOf(fn func(float64) float64, direction int) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		d, ok := a[0].(Decimal)
		if !ok {
			return fn(a[0].(float64))
		}
		w := Decimal{n: d.whole()}
		if c := d.compare(w); c != 0 && c == direction {
			return decimalArithmetic("+", w, decimalOf(int64(direction)))
		}
		return w
	}
}

var mathMembers = []memberTable{
	{"Math", mathRows()},
	{"Random", []row{
		{"new()", func(*frame, []any) any { return &random{} }, `new Random().Next(1)`, "0"},
		{"new(int Seed)", func(_ *frame, a []any) any {
			return &random{state: uint64(integer(a[0])) ^ 0x9E3779B97F4A7C15, seeded: true}
		}, `new Random(5).Next(1)`, "0"},
		{"int Next()", func(f *frame, a []any) any { return int32(a[0].(*random).below(f, math.MaxInt32)) }, `new Random().Next() >= 0`, "True"},
		{"int Next(int maxValue)", func(f *frame, a []any) any { return between(f, a[0], 0, number(a, 1)) }, `new Random().Next(1)`, "0"},
		{"int Next(int minValue, int maxValue)", func(f *frame, a []any) any { return between(f, a[0], number(a, 1), number(a, 2)) }, `new Random().Next(5, 6)`, "5"},
		{"double NextDouble()", func(f *frame, a []any) any { return float64(a[0].(*random).word(f)>>11) / (1 << 53) }, `new Random().NextDouble() < 1`, "True"},
		{"void NextBytes(byte[] buffer)", func(f *frame, a []any) any {
			for i := range bytesArgument(a, 1) {
				bytesArgument(a, 1)[i] = byte(a[0].(*random).word(f))
			}
			return nil
		}, "", ""},
	}},
}

// random is a Random. With a seed the sequence repeats, though it is not .NET's.
type random struct {
	state  uint64
	seeded bool
}

func (*random) typeName() string { return "Random" }

func (r *random) word(f *frame) uint64 {
	if !r.seeded {
		return f.randomWord()
	}
	r.state += 0x9E3779B97F4A7C15
	z := r.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func (r *random) below(f *frame, n uint64) uint64 { return r.word(f) % n }

func between(f *frame, r any, low, high int) any {
	if high < low {
		throw("ArgumentOutOfRangeException", "'minValue' cannot be greater than maxValue. (Parameter 'minValue')")
	}
	if high == low {
		return int32(low) //nolint:gosec // came from an int
	}
	return int32(low + int(r.(*random).below(f, uint64(high-low)))) //nolint:gosec // below high
}
