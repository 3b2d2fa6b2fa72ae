package mcpproxy

import (
	"errors"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// omission is a name that was left out, since an earlier member has it.
type omission struct{ member, name string }

// remark says in a result's _meta what is missing from it: members that could
// not be asked, and names that were left out.
func (f *Federation) remark(result jsontext.Value, answers []answer, omitted []omission) (jsontext.Value, error) {
	var add []string
	if list := f.unavailable(answers); list != nil {
		add = append(add, `"`+metaUnavailable+`":`+string(list))
	}
	if len(omitted) > 0 {
		list := []byte{'['}
		for _, o := range omitted {
			list = appendPair(list, o.member, "name", o.name)
		}
		add = append(add, `"`+metaOmitted+`":`+string(append(list, ']')))
	}
	if add == nil {
		return result, nil
	}
	return withMeta(result, add...)
}

// unavailable lists the members that could not be asked; nil when all could.
func (f *Federation) unavailable(answers []answer) jsontext.Value {
	list := []byte{'['}
	for i, a := range answers {
		if !a.missing() {
			continue
		}
		f.log.Warn("a member is left out", "member", f.members[i].Name, "error", a.err)
		list = appendPair(list, f.members[i].Name, "reason", reason(a.err))
	}
	if len(list) == 1 {
		return nil
	}
	return append(list, ']')
}

// appendPair appends an object that says one thing of a member.
func appendPair(dst []byte, member, name, value string) []byte {
	dst = append(separate(dst), `{"member":`...)
	dst = mcp.AppendString(dst, member)
	dst = append(dst, `,"`+name+`":`...)
	return append(mcp.AppendString(dst, value), '}')
}

// reason says in public words why a member could not be asked.
func reason(err error) string {
	if e, ok := errors.AsType[*mcp.Error](err); ok {
		return e.Message
	}
	return publicOf(err).Message
}

// missing reports whether the member could not be asked. One that answers that
// it has nothing of the kind could.
func (a *answer) missing() bool {
	e, ok := errors.AsType[*mcp.Error](a.err)
	return a.err != nil && !(ok && e.Code == mcp.CodeMethodNotFound)
}
