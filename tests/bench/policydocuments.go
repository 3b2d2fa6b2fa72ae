package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"toolgate/shared/policies"
	"toolgate/shared/policy"
	"toolgate/shared/services"
)

// policyDocuments is one row of the report: what it takes to read policy
// documents and to make pipelines of them.
type policyDocuments struct {
	Origin    string `json:"origin"`
	Documents int    `json:"documents"`
	// Compiled is how many became pipelines: public documents refer to
	// fragments and backends that are not at hand.
	Compiled int `json:"compiled"`
	// Milliseconds are for all of them, by the clock, the least of a few times.
	Milliseconds float64 `json:"milliseconds"`
	Bound        float64 `json:"boundMilliseconds"` // expected at most
}

func (d policyDocuments) over() bool { return d.Milliseconds > d.Bound }

// readDocuments is how many documents are read at a time.
const readDocuments = 300

// policyFile is a document before it was read.
type policyFile struct {
	name    string
	content []byte
}

// measureDocuments reads, checks, composes and compiles in this process.
func (b *bench) measureDocuments() (policyDocuments, error) {
	d := policyDocuments{Documents: readDocuments, Bound: 1000, Milliseconds: math.Inf(1)}
	var files []policyFile
	var err error
	if folder := os.Getenv("TOOLGATE_CORPUS"); folder != "" {
		d.Origin = "public"
		files, err = corpus(folder)
	} else {
		d.Origin = "made, of ten kinds"
		files = madeDocuments()
	}
	if err != nil {
		return d, err
	}
	all := services.New(services.Options{})
	for range min(b.rounds, 5) {
		d.Compiled = 0
		start := time.Now()
		for i := range readDocuments {
			err := compileDocument(files[i%len(files)], &all)
			if err == nil {
				d.Compiled++
			} else if d.Origin != "public" {
				return d, fmt.Errorf("compiling a made document: %w", err)
			}
		}
		d.Milliseconds = min(d.Milliseconds, milliseconds(time.Since(start)))
	}
	return d, nil
}

// compileDocument does with a document what a build does.
func compileDocument(f policyFile, all *policy.Services) error {
	d, faults := policy.Parse(f.name, f.content, policy.ParseOptions{})
	if err := faults.Err(); err != nil {
		return err
	}
	checked := policy.Validate(d, policy.ValidateOptions{Compiler: policy.CSharp{}, Placeholders: true})
	effective, faults := policy.Compose([]policy.Layer{{Scope: policy.ScopeAPI, Document: d}}, nil)
	if err := faults.Err(); err != nil {
		return err
	}
	_, faults = policy.Compile(effective, policy.CompileOptions{Policies: policies.Registry(), Services: all})
	return errors.Join(checked.Err(), faults.Err())
}

// corpus reads the public documents of a folder.
func corpus(folder string) ([]policyFile, error) {
	var files []policyFile
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".xml") {
			return err
		}
		content, err := os.ReadFile(path)
		files = append(files, policyFile{filepath.Base(path), content})
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no documents", folder)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the public documents: %w", err)
	}
	return files, nil
}

// madeDocuments are of ten kinds, each with numbers of its own, so that no two
// are equal.
func madeDocuments() []policyFile {
	files := make([]policyFile, readDocuments)
	for i := range files {
		inner := kinds[i%len(kinds)]
		text := "<policies>\n  <inbound>\n    <base />\n" + inner.inbound + "\n  </inbound>\n  <backend>\n    <base />\n  </backend>\n" +
			"  <outbound>\n    <base />\n" + inner.outbound + "\n  </outbound>\n  <on-error>\n    <base />\n" + onError + "\n  </on-error>\n</policies>\n"
		files[i] = policyFile{fmt.Sprintf("made-%d.xml", i), []byte(strings.ReplaceAll(text, "$number", fmt.Sprint(i+1)))}
	}
	return files
}

const onError = `    <set-header name="X-Error" exists-action="override"><value>@(context.LastError.Source + ": " + context.LastError.Reason)</value></set-header>
    <choose>
      <when condition="@(context.LastError.Reason == "Timeout" && context.Response.StatusCode >= 500)">
        <set-status code="504" reason="Gateway Timeout" />
      </when>
    </choose>`

// kinds are what people write policy documents for.
var kinds = []struct{ inbound, outbound string }{
	{inbound: `    <cors allow-credentials="true">
      <allowed-origins><origin>https://tools$number.contoso.com</origin></allowed-origins>
      <allowed-methods preflight-result-max-age="300"><method>GET</method><method>POST</method></allowed-methods>
      <allowed-headers><header>content-type</header><header>authorization</header></allowed-headers>
      <expose-headers><header>x-request-id</header></expose-headers>
    </cors>`},
	{inbound: `    <validate-jwt header-name="Authorization" failed-validation-httpcode="401" failed-validation-error-message="Unauthorized" output-token-variable-name="jwt">
      <openid-config url="https://login.contoso.com/tenant$number/.well-known/openid-configuration" />
      <audiences><audience>api://orders$number</audience></audiences>
      <required-claims><claim name="roles" match="any"><value>reader</value><value>writer</value></claim></required-claims>
    </validate-jwt>
    <set-header name="X-User" exists-action="override"><value>@(((Jwt)context.Variables["jwt"]).Subject)</value></set-header>`},
	{inbound: `    <rate-limit-by-key calls="$number" renewal-period="60" counter-key="@(context.Subscription?.Id ?? context.Request.IpAddress)" remaining-calls-header-name="X-Remaining" />
    <quota-by-key calls="10000" bandwidth="40000" renewal-period="3600" counter-key="@(context.Request.IpAddress)" />`},
	{
		inbound: `    <cache-lookup vary-by-developer="false" vary-by-developer-groups="false" downstream-caching-type="none">
      <vary-by-header>Accept</vary-by-header><vary-by-query-parameter>version</vary-by-query-parameter>
    </cache-lookup>`,
		outbound: `    <cache-store duration="$number" />`,
	},
	{inbound: `    <set-variable name="body" value="@(context.Request.Body.As<JObject>(preserveContent: true))" />
    <set-body>@{
      var body = (JObject)context.Variables["body"];
      body["number"] = $number;
      body.Remove("internal");
      foreach (var item in (JArray)body["items"]) {
        if (item["price"] != null && (double)item["price"] > 100) { item["approval"] = "needed"; }
      }
      return body.ToString(Newtonsoft.Json.Formatting.None);
    }</set-body>`},
	{inbound: `    <set-variable name="version" value="@(context.Request.Headers.GetValueOrDefault("X-Version", "$number"))" />
    <choose>
      <when condition="@(context.Request.Method == "GET" && context.Variables.GetValueOrDefault<string>("version") == "1")">
        <rewrite-uri template="/v1/orders" copy-unmatched-params="true" />
      </when>
      <when condition="@(new [] { "POST", "PUT" }.Contains(context.Request.Method))"><set-backend-service base-url="https://orders$number.contoso.com" /></when>
      <otherwise><return-response><set-status code="405" reason="Method Not Allowed" /><set-header name="Allow"><value>GET, POST, PUT</value></set-header></return-response></otherwise>
    </choose>`},
	{outbound: `    <set-body>@{
      var items = context.Response.Body.As<JArray>();
      var open = items.Where(i => (string)i["state"] == "open").OrderBy(i => (int)i["id"]).Take($number)
        .Select(i => new JObject(new JProperty("id", i["id"]), new JProperty("name", ((string)i["name"]).ToUpper())));
      return new JObject(new JProperty("count", items.Count), new JProperty("open", new JArray(open))).ToString();
    }</set-body>
    <set-header name="Server" exists-action="delete" />
    <find-and-replace from="http://internal" to="https://tools$number.contoso.com" />`},
	{inbound: `    <check-header name="X-Client" failed-check-httpcode="403" failed-check-error-message="not known" ignore-case="true"><value>client$number</value></check-header>
    <ip-filter action="allow"><address>192.0.2.1</address><address-range from="10.0.0.1" to="10.0.255.255" /></ip-filter>`},
	{inbound: `    <set-variable name="signature" value="@{
      string text = context.Request.Method + &quot;\n&quot; + context.Request.Url.Path + &quot;\n$number&quot;;
      using (var hash = new System.Security.Cryptography.HMACSHA256(Encoding.UTF8.GetBytes(&quot;key&quot;))) {
        return Convert.ToBase64String(hash.ComputeHash(Encoding.UTF8.GetBytes(text)));
      }
    }" />
    <set-query-parameter name="signature" exists-action="override"><value>@((string)context.Variables["signature"])</value></set-query-parameter>
    <cache-lookup-value key="@("client-" + context.Request.IpAddress)" variable-name="client" default-value="none" />`},
	{
		inbound: `    <set-header name="X-Request-Id" exists-action="skip"><value>@(context.RequestId.ToString())</value></set-header>
    <set-method>POST</set-method>
    <set-query-parameter name="api-version" exists-action="override"><value>2026-$number</value></set-query-parameter>`,
		outbound: `    <xml-to-json kind="direct" apply="content-type-xml" consider-accept-header="false" />
    <set-header name="Date" exists-action="override"><value>@(DateTime.UtcNow.AddDays($number).ToString("R"))</value></set-header>`,
	},
}
