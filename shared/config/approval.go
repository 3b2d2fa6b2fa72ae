package config

import (
	"cmp"
	"time"

	"toolgate/shared/fault"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Approval says that a tool is called only after a person agreed.
type Approval struct {
	// Waived says the opposite: that the tool is called without asking, whatever the
	// server says of its tools.
	Waived bool `json:"waived,omitzero"`
	// Message asks the person. It may name arguments in braces; empty: a question in
	// general words.
	Message string `json:"message,omitzero"`
	// Expires is how long a question, and an approval that was not used, is good; in
	// JSON "5m0s".
	Expires time.Duration  `json:"-"`
	At      fault.Position `json:"-"`
}

// defaultApproval is how long an approval is good where nothing says.
const defaultApproval = 5 * time.Minute

// Over is what holds for a tool: what the tool itself says, and for what it leaves
// open that of its server. Both may be nil; nil: nobody is asked.
func (a *Approval) Over(server *Approval) *Approval {
	switch {
	case a == nil:
		a = server
	case server != nil && !a.Waived:
		made := *a
		made.Message = cmp.Or(a.Message, server.Message)
		made.Expires = cmp.Or(a.Expires, server.Expires)
		a = &made
	}
	if a == nil || a.Waived {
		return nil
	}
	made := *a
	made.Expires = cmp.Or(a.Expires, defaultApproval)
	return &made
}

var approvalKeys = vocabulary[Approval]{kind: "approval", check: notEmpty[Approval]("write true, or give a message"), keys: []key[Approval]{
	{name: "message", decode: func(d *decoder, v value, a *Approval) { a.Message = d.str(v) }},
	{name: "expires", decode: func(d *decoder, v value, a *Approval) { d.timeout(v, &a.Expires) }},
}}

// approval decodes true, false or a mapping.
func (d *decoder) approval(v value) *Approval {
	a := &Approval{At: v.at}
	a.Waived = !decodeChoice(d, v, approvalKeys, a)
	return a
}

type approvalFields Approval

// approvalForm is Approval in JSON.
type approvalForm struct {
	Fields  approvalFields `json:",embed"`
	Expires duration       `json:"expires"`
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (a Approval) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, approvalForm{approvalFields(a), duration(a.Expires)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (a *Approval) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var form approvalForm
	err := json.UnmarshalDecode(dec, &form)
	*a = Approval(form.Fields)
	a.Expires = time.Duration(form.Expires)
	return err
}
