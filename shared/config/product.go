package config

// Keys of a product. Whether it needs subscriptions is decoded before what is in
// it: no API and no server is in two open products.
var productKeys = vocabulary[Product]{kind: "product", keys: []key[Product]{
	{name: "title", decode: func(d *decoder, v value, p *Product) { p.Title = d.str(v) }},
	{name: "description", decode: func(d *decoder, v value, p *Product) { p.Description = d.str(v) }},
	{name: "subscriptionRequired", decode: func(d *decoder, v value, p *Product) { d.flag(v, &p.SubscriptionRequired) }},
	{name: "apis", decode: func(d *decoder, v value, p *Product) { p.APIs = d.inProduct(v, "api", p) }},
	{name: "servers", decode: func(d *decoder, v value, p *Product) { p.Servers = d.inProduct(v, "server", p) }},
	{name: "policy", decode: func(d *decoder, v value, p *Product) { p.Policy = d.localFile(v, "policy document") }},
}}

func (d *decoder) product(name string, v value) Product {
	p := Product{Name: name, SubscriptionRequired: true, At: v.key}
	decodeMapping(d, v, productKeys, &p)
	return p
}

// member identifies an API or a server by its kind and its name.
type member struct{ kind, name string }

// inProduct decodes the APIs or the servers of a product. Each is in one open
// product at most: a call without a subscription says nothing of which is meant.
func (d *decoder) inProduct(v value, kind string, p *Product) []string {
	var names []string
	seen := map[string]bool{}
	for item := range d.list(v) {
		name := d.declaredName(item, kind, d.declared[kind])
		if name == "" {
			continue
		}
		if seen[name] {
			d.fault(item.at, "remove one", "%s is %s, as an item before it", item.what, quote(name))
			continue
		}
		seen[name] = true
		m := member{kind, name}
		if !p.SubscriptionRequired {
			if other := d.open[m]; other != "" {
				d.fault(item.at, "keep it in one of them, or let one of them require subscriptions", "%s is %s, which is in the open product %s as well", item.what, quote(name), quote(other))
			}
			d.open[m] = p.Name
		}
		d.inProducts[m] = true
		names = append(names, name)
	}
	return names
}
