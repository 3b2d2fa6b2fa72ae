package expr

// TypeName is the .NET type of a value, for messages: object for null.
func TypeName(v any) string { return typeOf(v).String() }

// Copy is a value that shares nothing which expressions can change with the
// one it was made of: JSON is copied, other values are themselves.
func Copy(v any) any {
	if t, ok := v.(JToken); ok {
		return duplicate(t)
	}
	return v
}
