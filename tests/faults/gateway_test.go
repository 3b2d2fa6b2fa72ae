package faults_test

import (
	"fmt"
	"strings"
	"time"
)

// What the APIs of the tests allow.
const (
	ratePeriod = 4 * time.Second
	rateCalls  = 800 // in ratePeriod

	quotaCalls = 4000 // for ever

	turnPeriod = 5 * time.Second
	turnCalls  = 400 // in turnPeriod

	bytesBody  = 2 << 10
	bytesQuota = 3 << 20 // for ever

	workPlaces = 8
	workTime   = time.Second
)

// forEver is a renewal period, in seconds, that does not end while tests run.
const forEver = 100 * 365 * 24 * 3600

// document is a policy document that tells when a limit was asked, and when it had
// admitted the call.
func document(limit, body string) string {
	return `<policies><inbound>
<set-variable name="began" value="@(DateTime.UtcNow.Ticks)" />
` + limit + `
<return-response>
  <set-header name="X-Began" exists-action="override"><value>@(context.Variables["began"].ToString())</value></set-header>
  <set-header name="X-Ended" exists-action="override"><value>@((context.Variables.ContainsKey("ended") ? context.Variables["ended"] : DateTime.UtcNow.Ticks).ToString())</value></set-header>
  <set-body>` + body + `</set-body>
</return-response>
</inbound></policies>`
}

// working are the policies of calls that work for so many seconds while they have a
// place. The times that they tell are those between which they had it.
func working(key string, seconds int) string {
	work := ""
	if seconds > 0 {
		work = fmt.Sprintf(`<retry condition="@(true)" count="1" interval="%d"><set-variable name="tried" value="@(true)" /></retry>`, seconds)
	}
	return document(fmt.Sprintf(`<limit-concurrency key=%q max-count="%d">
  <set-variable name="began" value="@(DateTime.UtcNow.Ticks)" />
  %s
  <set-variable name="ended" value="@(DateTime.UtcNow.Ticks)" />
</limit-concurrency>`, key, workPlaces, work), "")
}

// gatewayFolder is a gateway of HTTP APIs, each with one of the limits. None of them
// has a backend that is called.
func gatewayFolder() map[string]string {
	policies := map[string]string{
		// A limit that lets calls pass when the store is slow would be over for that.
		"rate": document(fmt.Sprintf(`<rate-limit-by-key calls="%d" renewal-period="%d" counter-key="all" on-store-failure="refuse" />`,
			rateCalls, ratePeriod/time.Second), ""),
		"quota": document(fmt.Sprintf(`<quota-by-key calls="%d" renewal-period="%d" counter-key="all" />`, quotaCalls, forEver), ""),
		"turn": document(fmt.Sprintf(`<quota-by-key calls="%d" renewal-period="%d" counter-key="turn" first-period-start="1970-01-01T00:00:00Z" />`,
			turnCalls, turnPeriod/time.Second), ""),
		"bytes": document(fmt.Sprintf(`<quota-by-key bandwidth="%d" renewal-period="%d" counter-key="bytes" />`, bytesQuota>>10, forEver),
			strings.Repeat("b", bytesBody)),
		"work": working("work", int(workTime/time.Second)),
		// Those who hold places, and those who look whether they are free.
		"hold":  working("held", 60),
		"enter": working("held", 0),
		"share": working("held", 1),
	}
	files := map[string]string{}
	var yaml strings.Builder
	yaml.WriteString("name: contoso\nbackends: { none: { url: \"http://127.0.0.1:9\" } }\napis:\n")
	for name, policy := range policies {
		files[name+".xml"] = policy
		fmt.Fprintf(&yaml, "  %s: { backend: none, path: %[1]s, policy: %[1]s.xml, operations: { call: { method: GET, urlTemplate: / } } }\n", name)
	}
	files["gateway.yaml"] = yaml.String()
	return files
}
