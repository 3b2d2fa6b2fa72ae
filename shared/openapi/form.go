package openapi

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// writeForm writes the parts as application/x-www-form-urlencoded.
func (x *binder) writeForm(parts []bodyPart, r *Request) error {
	for _, part := range parts {
		if err := x.addFormPart(part); err != nil {
			return x.refuseProperty(part, part.property.Arg, err)
		}
	}
	r.Body = append([]byte{}, x.form.buf...)
	return nil
}

func (x *binder) addFormPart(part bodyPart) error {
	p, w := part.property, &x.form
	if p.Style == "" && p.ContentType != "" {
		// OpenAPI 3.1.1, "encoding": the content type alone says how.
		w.begin(p.Name)
		w.text = appendContent(w.text[:0], p.ContentType, part.value)
		w.buf = appendEscaped(w.buf, w.text, &unreserved)
		return w.checkLength()
	}
	style := pairStyle{p.Style, p.Explode, p.AllowReserved, p.Required}
	if p.Style == "" {
		// OpenAPI 3.x, "encoding": style defaults to form, and form explodes.
		style.style, style.explode = styleForm, true
	}
	return w.add(p.Name, part.value, style)
}

// refuseProperty says which argument, or which configured value, err is about.
func (x *binder) refuseProperty(part bodyPart, arg string, err error) error {
	p := part.property
	if errors.Is(err, errNoStyle) {
		return x.fault("property " + quoted(p.Name) + " has the style " + quoted(p.Style) + ", which is not a style of a form")
	}
	return x.refuse(arg, p.Name, part.from, err)
}

// wholeForm writes the members of one argument as a form; a string is a form
// that is written already.
func (x *binder) wholeForm(v jsontext.Value) ([]byte, error) {
	switch v.Kind() {
	case '"':
		return appendPlainText([]byte{}, v), nil
	case '{':
	default:
		return nil, unfitError("must be an object, whose members become the fields of the form")
	}
	if err := x.form.addMembers(v); err != nil {
		return nil, err
	}
	return append([]byte{}, x.form.buf...), nil
}

func isContainer(v jsontext.Value) bool {
	kind := v.Kind()
	return kind == '{' || kind == '['
}
