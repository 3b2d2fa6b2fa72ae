package snapshot

import (
	"reflect"
	"slices"

	"toolgate/shared/config"
)

// SecretReferences are the references to secrets that stand anywhere in the
// manifest, each once, in order.
func (m *Manifest) SecretReferences() []string {
	var refs []string
	collect(reflect.ValueOf(m).Elem(), &refs)
	slices.Sort(refs)
	return slices.Compact(refs)
}

var partType = reflect.TypeFor[config.Part]()

// collect looks into every value, so that what is added to a configuration is
// found without a word about it here.
func collect(v reflect.Value, refs *[]string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			collect(v.Elem(), refs)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			collect(v.Index(i), refs)
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			collect(entry.Value(), refs)
		}
	case reflect.Struct:
		if v.Type() == partType {
			if ref := v.FieldByName("Secret").String(); ref != "" {
				*refs = append(*refs, ref)
			}
			return
		}
		for _, field := range v.Fields() {
			collect(field, refs)
		}
	default: // holds no part
	}
}
