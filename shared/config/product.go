package config

// openProduct is the fix for a product that asks for subscriptions.
const openProduct = "write subscriptionRequired: false, which makes the product an open one; subscriptions are not run by this version"

// productKeys refer to APIs and servers by their names.
var productKeys = vocabulary[Product]{kind: "product", keys: []key[Product]{
	{name: "title", decode: func(d *decoder, v value, p *Product) { p.Title = d.str(v) }},
	{name: "description", decode: func(d *decoder, v value, p *Product) { p.Description = d.str(v) }},
	{name: "apis", decode: func(d *decoder, v value, p *Product) { p.APIs = d.inProduct(v, "api", p.Name) }},
	{name: "servers", decode: func(d *decoder, v value, p *Product) { p.Servers = d.inProduct(v, "server", p.Name) }},
	{name: "policy", decode: func(d *decoder, v value, p *Product) { p.Policy = d.localFile(v, "policy document") }},
	{
		name: "subscriptionRequired", required: true, absent: openProduct,
		decode: func(d *decoder, v value, _ *Product) {
			if required := d.boolean(v); required != nil && *required {
				d.fault(v.at, openProduct, "%s is true", v.what)
			}
		},
	},
}}

func (d *decoder) product(name string, v value) Product {
	p := Product{Name: name, At: v.key}
	decodeMapping(d, v, productKeys, &p)
	return p
}

// member identifies an API or a server by its kind and its name.
type member struct{ kind, name string }

// inProduct decodes the APIs or the servers of a product. Each is in one product
// at most: a call without a subscription says nothing of which product is meant.
func (d *decoder) inProduct(v value, kind, product string) []string {
	var names []string
	for item := range d.list(v) {
		name := d.declaredName(item, kind, d.declared[kind])
		if name == "" {
			continue
		}
		m := member{kind, name}
		switch other, taken := d.products[m]; {
		case taken && other == product:
			d.fault(item.at, "remove one", "%s is %s, as an item before it", item.what, quote(name))
			continue
		case taken:
			d.fault(item.at, "keep it in one of them", "%s is %s, which is in product %s as well", item.what, quote(name), quote(other))
		}
		d.products[m] = product
		names = append(names, name)
	}
	return names
}
