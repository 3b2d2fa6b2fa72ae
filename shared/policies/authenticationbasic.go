package policies

import (
	"context"
	"encoding/base64"

	"toolgate/shared/policy"
)

func init() {
	registered["authentication-basic"] = func() policy.Statement { return &authenticationBasic{} }
}

// authenticationBasic sends a user name and a password to the backend (RFC
// 7617), in UTF-8.
type authenticationBasic struct {
	Username policy.Value[string] `attr:"username,required"`
	Password policy.Value[string] `attr:"password,required"`

	fixed []string // the header, unless the values are expressions
}

func (p *authenticationBasic) Prepare(*policy.Compilation) {
	e := evaluation{}
	if credentials := p.credentials(&e); !e.varies {
		p.fixed = credentials
	}
}

func (p *authenticationBasic) credentials(e *evaluation) []string {
	pair := evaluate(e, &p.Username) + ":" + evaluate(e, &p.Password)
	return []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
}

func (p *authenticationBasic) Apply(_ context.Context, x *policy.Exchange) error {
	credentials := p.fixed
	if credentials == nil {
		e := evaluation{x: x}
		if credentials = p.credentials(&e); e.err != nil {
			return e.err
		}
	}
	x.SetHeader("Authorization", credentials)
	return nil
}
