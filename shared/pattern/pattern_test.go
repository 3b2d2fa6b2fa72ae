package pattern

import "testing"

func TestLazy(t *testing.T) {
	p := Lazy(`^a+$`)
	if !p().MatchString("aa") || p().MatchString("b") {
		t.Errorf("%v does not match as it should", p())
	}
	if first := p(); first != p() {
		t.Error("it was compiled twice")
	}
	faulty := Lazy(`(`)
	defer func() {
		if recover() == nil {
			t.Error("a faulty expression did not panic where it is used")
		}
	}()
	faulty()
}
