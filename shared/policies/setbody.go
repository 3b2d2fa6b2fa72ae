package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() { registered["set-body"] = func() policy.Statement { return &setBody{} } }

// setBody sets the body of the message.
type setBody struct {
	Template  string               `attr:"template"`
	XSINil    string               `attr:"xsi-nil"`
	ParseDate bool                 `attr:"parse-date"`
	Text      policy.Value[string] `text:"verbatim"`
}

func (p *setBody) Apply(_ context.Context, x *policy.Exchange) error {
	text, err := p.Text.Get(x)
	if err != nil {
		return err
	}
	x.Target.SetBody([]byte(text))
	return nil
}
