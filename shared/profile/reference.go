package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// relocate keeps references whole where the top of a schema was made anew: what they lead
// to in the original is put among the definitions, where it is as it was.
func (a *adaptation) relocate(made *object) {
	open := []*object{made}
	for len(open) > 0 {
		s := open[len(open)-1]
		open = open[:len(open)-1]
		for _, m := range s.members {
			open = append(open, parts(m)...)
		}
		ref, ok := s.text("$ref")
		if !ok || stays(made, ref) {
			continue
		}
		target, ok := a.resolve(ref)
		if !ok {
			if ref == "#" || strings.HasPrefix(ref, "#/") {
				s.take("$ref")
				a.dropped("$ref, which leads nowhere")
			}
			continue
		}
		definitions, ok := made.object("$defs")
		if !ok {
			definitions = &object{}
			made.set("$defs", definitions)
		}
		sum := sha256.Sum256([]byte(ref))
		name := "part_" + hex.EncodeToString(sum[:])[:hashDigits]
		if !definitions.has(name) {
			part := a.copy(target)
			definitions.set(name, part)
			open = append(open, part)
		}
		s.set("$ref", quoted("#/$defs/"+name))
	}
}

// stays tells whether a reference leads to a definition that is where it was.
func stays(made *object, ref string) bool {
	for _, keyword := range []string{"$defs", "definitions"} {
		if path, ok := strings.CutPrefix(ref, "#/"+keyword+"/"); ok {
			name, _, _ := strings.Cut(path, "/")
			definitions, ok := made.object(keyword)
			return ok && definitions.has(strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~"))
		}
	}
	return false
}
