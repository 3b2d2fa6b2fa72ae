package policy

import (
	"math/big"
	"strings"
	"testing"
)

func TestParseMoney(t *testing.T) {
	for _, tt := range []struct {
		text  string
		want  Money
		exact bool
		err   string
	}{
		{"5", 5_000_000, true, ""},
		{" 5.00 ", 5_000_000, true, ""},
		{"+0.002", 2000, true, ""},
		{".5", 500_000, true, ""},
		{"5.", 5_000_000, true, ""},
		{"0", 0, true, ""},
		{"-0.000", 0, true, ""},
		{"0.000001", 1, true, ""},
		{"0.0000010", 1, true, ""},
		{"0.0000004", 0, false, ""},
		{"0.0000005", 1, false, ""},
		{"0.00000005", 0, false, ""},
		{"0.30000000000000004", 300_000, false, ""},
		{"9.9999999", 10_000_000, false, ""},
		{"1E-05", 10, true, ""},
		{"1e-9", 0, false, ""},
		{"1.25e2", 125_000_000, true, ""},
		{"0.001e+3", 1_000_000, true, ""},
		{"1000000000", MaxMoney, true, ""},
		{"1000000000.0000004", MaxMoney, false, ""},
		{"1000000000.000001", 0, false, "is more than 1000000000.00"},
		{"1000000000.0000005", 0, false, "is more than"},
		{"1e400", 0, false, "is more than"},
		{"0e400", 0, true, ""},
		{"1e2000", 0, false, "is no amount"},
		{"-1", 0, false, "is less than 0"},
		{"", 0, false, "is no amount"},
		{".", 0, false, "is no amount"},
		{"1,5", 0, false, "is no amount"},
		{"1.2.3", 0, false, "is no amount"},
		{"0x10", 0, false, "is no amount"},
		{"--1", 0, false, "is no amount"},
		{"NaN", 0, false, "is no amount"},
		{"1e", 0, false, "is no amount"},
		{"€5", 0, false, "is no amount"},
		{strings.Repeat("0", 65), 0, false, "is no amount"},
	} {
		got, exact, err := ParseMoney(tt.text)
		if got != tt.want || exact != tt.exact || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: got %d, %v, %v, want %d, %v, %q", tt.text, got, exact, err, tt.want, tt.exact, tt.err)
		}
	}
}

func TestMoneyString(t *testing.T) {
	for m, want := range map[Money]string{
		0: "0.00", 1: "0.000001", 2500: "0.0025", 5_000_000: "5.00", 5_100_000: "5.10", -5_250_000: "-5.25", MaxMoney: "1000000000.00",
	} {
		if got := m.String(); got != want {
			t.Errorf("%d: got %s, want %s", int64(m), got, want)
		}
	}
}

func TestMoneyTimes(t *testing.T) {
	for _, tt := range []struct {
		price  Money
		n, per int64
		want   Money
	}{
		{100, 1024, 1024, 100}, {100, 1, 1024, 1}, {100, 1536, 1024, 150}, {100, 0, 1024, 0}, {0, 5, 1024, 0}, {100, -5, 1024, 0},
		{MaxMoney, 1 << 62, 1024, MaxMoney}, {MaxMoney, 512, 1024, MaxMoney / 2}, {1, 1 << 40, 1024, 1 << 30},
	} {
		if got := tt.price.Times(tt.n, tt.per); got != tt.want {
			t.Errorf("%d for %d of %d: got %d, want %d", tt.price, tt.n, tt.per, got, tt.want)
		}
	}
	if got := MaxMoney.Plus(MaxMoney); got != MaxMoney {
		t.Errorf("got %d, want at most %d", got, MaxMoney)
	}
}

// What is read is the number rounded, as arithmetic without bounds has it.
func FuzzParseMoney(f *testing.F) {
	for _, text := range []string{"5", "0.002", "1E-05", "1e400", "-1", "0.0000005", "00012.50e3", "999999999.9999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, exact, err := ParseMoney(text)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(strings.TrimSuffix(strings.TrimSpace(text), "."))
		if !ok {
			want, ok = new(big.Rat).SetString(strings.TrimSpace(text))
		}
		if !ok {
			t.Fatalf("%q is read as %d, and is no number to package big", text, got)
		}
		want.Mul(want, big.NewRat(unit, 1))
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(int64(got)), want)
		if exact != (off.Sign() == 0) || off.Cmp(big.NewRat(1, 2)) > 0 || off.Cmp(big.NewRat(-1, 2)) <= 0 {
			t.Errorf("%q: got %d, %v, which is off by %s millionths", text, got, exact, off.FloatString(8))
		}
		if again, _, err := ParseMoney(got.String()); err != nil || again != got {
			t.Errorf("%q: %s is read as %d, %v", text, got, again, err)
		}
	})
}
