package config

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"toolgate/shared/fault"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Cache says which results of tools are kept, for how long, and for whom.
type Cache struct {
	// Duration is for how long; a server behind may say less, in a result. In JSON
	// "1m0s".
	Duration time.Duration `json:"-"`
	// Tools are those whose results are kept, by their published names; nil: those
	// that say of themselves that they only read (readOnlyHint).
	Tools []CachedTool `json:"tools,omitzero"`
	// Public says that a result is the same for every caller. Otherwise nobody gets
	// a result that was made for another caller.
	Public bool `json:"public,omitzero"`
	// Headers are request headers on which results depend, in canonical form.
	Headers []string `json:"headers,omitzero"`
	// Subscription says that results depend on the subscription and the user, of
	// which there may be none. Those that are not public do in any case.
	Subscription bool `json:"subscription,omitzero"`
	// MaxSize bounds one result, in bytes; default 256 KiB.
	MaxSize int            `json:"maxSize"`
	At      fault.Position `json:"-"`
}

// CachedTool is a tool whose results are kept.
type CachedTool struct {
	Name string         `json:"name"`
	At   fault.Position `json:"-"`
}

const (
	defaultCachedResult = 256 << 10
	maxCachedResult     = 2 << 20 // what a cache takes as one value
)

// cacheScopes are the values of "scope", the default first.
var cacheScopes = []string{"private", "public"}

var cacheKeys = vocabulary[Cache]{kind: "cache", check: checkCache, keys: []key[Cache]{
	{name: "duration", required: true, decode: func(d *decoder, v value, c *Cache) { d.timeout(v, &c.Duration) }},
	{name: "tools", decode: func(d *decoder, v value, c *Cache) { c.Tools = d.cachedTools(v) }},
	{name: "scope", decode: func(d *decoder, v value, c *Cache) { c.Public = d.oneOf(v, cacheScopes...) == "public" }},
	{name: "varyBy", decode: func(d *decoder, v value, c *Cache) { decodeMapping(d, v, varyByKeys, c) }},
	{name: "maxSize", decode: func(d *decoder, v value, c *Cache) { d.size(v, minBytes, maxCachedResult, &c.MaxSize) }},
}}

var varyByKeys = vocabulary[Cache]{kind: "varyBy", keys: []key[Cache]{
	{name: "headers", decode: func(d *decoder, v value, c *Cache) { c.Headers = d.headerNames(v) }},
	{name: "subscription", decode: func(d *decoder, v value, c *Cache) { d.flag(v, &c.Subscription) }},
}}

func (d *decoder) cache(v value) *Cache {
	c := &Cache{MaxSize: defaultCachedResult, At: v.key}
	decodeMapping(d, v, cacheKeys, c)
	return c
}

// checkCache refuses what looks as if it changed something and does not.
func checkCache(d *decoder, _ value, present map[string]value, c *Cache) {
	if c.Subscription && !c.Public {
		given := present["varyBy"]
		d.fault(given.at, `remove "subscription", or let the "scope" be public`,
			"%s says subscription, on which results that are not public depend in any case", given.what)
	}
}

func (d *decoder) cachedTools(v value) []CachedTool {
	var tools []CachedTool
	for item := range d.list(v) {
		t := CachedTool{Name: d.str(item), At: item.at}
		if slices.ContainsFunc(tools, func(o CachedTool) bool { return t.Name != "" && o.Name == t.Name }) {
			d.fault(item.at, "remove one", "%s is %s, as an item before it", item.what, quote(t.Name))
			continue
		}
		tools = append(tools, t)
	}
	return tools
}

// headerNames decodes a list of names of headers into their canonical form.
func (d *decoder) headerNames(v value) []string {
	var names []string
	for item := range d.list(v) {
		name := http.CanonicalHeaderKey(d.matching(item, token, "write the name of a header, such as Accept-Language"))
		switch {
		case name == "":
		case strings.HasPrefix(name, "Mcp-"):
			d.fault(item.at, "remove it", "%s is %s, which is the protocol's", item.what, quote(name))
		case slices.Contains(names, name):
			d.fault(item.at, "remove one; the case of letters does not count", "%s is %s, as an item before it", item.what, quote(name))
		default:
			names = append(names, name)
		}
	}
	return names
}

type cacheFields Cache

// cacheForm is Cache in JSON.
type cacheForm struct {
	Fields   cacheFields `json:",embed"`
	Duration duration    `json:"duration"`
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (c Cache) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, cacheForm{cacheFields(c), duration(c.Duration)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (c *Cache) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var form cacheForm
	err := json.UnmarshalDecode(dec, &form)
	*c = Cache(form.Fields)
	c.Duration = time.Duration(form.Duration)
	return err
}
