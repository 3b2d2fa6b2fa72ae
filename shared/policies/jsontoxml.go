package policies

import (
	"context"

	"toolgate/shared/policy"
	"toolgate/shared/xmljson"
)

func init() { registered["json-to-xml"] = func() policy.Statement { return &jsonToXML{} } }

// jsonToXML turns a JSON body into XML. An empty body stays empty.
type jsonToXML struct {
	conversion
	ParseDate          bool                 `attr:"parse-date"`
	NamespaceSeparator policy.Value[string] `attr:"namespace-separator"`
	NamespacePrefix    policy.Value[string] `attr:"namespace-prefix"`
	AttributeBlockName policy.Value[string] `attr:"attribute-block-name"`
}

func (p *jsonToXML) Prepare(c *policy.Compilation) { p.prepare(c) }

func (p *jsonToXML) Apply(_ context.Context, x *policy.Exchange) error {
	o := xmljson.ToXMLOptions{ParseDate: p.ParseDate}
	var err error
	if o.NamespaceSeparator, err = p.NamespaceSeparator.Get(x); err != nil {
		return err
	}
	if o.NamespacePrefix, err = p.NamespacePrefix.Get(x); err != nil {
		return err
	}
	if o.AttributeBlockName, err = p.AttributeBlockName.Get(x); err != nil {
		return err
	}
	return p.convert(x, "json", "xml", func(content []byte) ([]byte, error) { return xmljson.ToXML(content, o) })
}
