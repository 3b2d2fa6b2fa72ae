package policies

import (
	"bytes"
	"context"

	"toolgate/shared/policy"
)

func init() { registered["find-and-replace"] = func() policy.Statement { return &findAndReplace{} } }

// findAndReplace replaces a text by another wherever it stands in the body.
type findAndReplace struct {
	From policy.Value[string] `attr:"from,required"`
	To   policy.Value[string] `attr:"to,required"`
}

func (p *findAndReplace) Prepare(c *policy.Compilation) { c.ReadsBody() }

func (p *findAndReplace) Apply(_ context.Context, x *policy.Exchange) error {
	from, err := p.From.Get(x)
	if err != nil {
		return err
	}
	to, err := p.To.Get(x)
	if err != nil || from == "" || from == to {
		return err
	}
	body, err := x.Target.Body().Bytes(true)
	if err != nil {
		return policy.BodyError("find-and-replace", err)
	}
	if bytes.Contains(body, []byte(from)) {
		setContent(x, bytes.ReplaceAll(body, []byte(from), []byte(to)), "")
	}
	return nil
}
