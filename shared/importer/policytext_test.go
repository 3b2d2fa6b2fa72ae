package importer

import (
	"strings"
	"testing"
)

// What policies show as passwords and keys is a reference afterwards, and all else
// is as it was.
func TestWithoutSecrets(t *testing.T) {
	in := `<policies><inbound>%s</inbound></policies>`
	for _, c := range []struct{ name, text, want string }{
		{"a password", `<authentication-basic username="u" password='PLANTED' />`, `<authentication-basic username="u" password='{{p-authentication-basic-password}}' />`},
		{"a reference", `<authentication-basic username="u" password="{{pw}}" />`, ""},
		{"a header", `<set-header name="Api-Key"><value> PLANTED&amp;1 </value></set-header>`, `<set-header name="Api-Key"><value>{{p-api-key}} </value></set-header>`},
		{"an expression", `<set-header name="Authorization"><value>@("Bearer " + context.Variables["t"])</value></set-header>`, ""},
		{"another header", `<set-header name="X-Region"><value>north</value></set-header>`, ""},
		{"a CSRF token", `<set-header name="X-CSRF-Token"><value>Fetch</value></set-header>`, ""},
		{"two values", `<set-header name="Authorization"><value>PLANTED</value><value>PLANTED</value></set-header>`, `<set-header name="Authorization"><value>{{p-authorization}}</value><value>{{p-authorization-2}}</value></set-header>`},
		{"a key of tokens", `<validate-jwt header-name="a"><issuer-signing-keys><key>UExBTlRFRA==</key></issuer-signing-keys></validate-jwt>`, `<validate-jwt header-name="a"><issuer-signing-keys><key>{{p-issuer-signing-keys}}</key></issuer-signing-keys></validate-jwt>`},
		{"a signature", `<rewrite-uri template="/a?sp=x&amp;sig=PLANTED&amp;v=1" />`, `<rewrite-uri template="/a?sp=x&amp;sig={{p-sig}}&amp;v=1" />`},
		{"a form", `<set-body>grant_type=x&client_secret=PLANTED&scope=y</set-body>`, `<set-body>grant_type=x&client_secret={{p-client-secret}}&scope=y</set-body>`},
		{"a status", `<return-response><set-status code="401" /></return-response>`, ""},
		{"a certificate", `<authentication-certificate body="PLANTED" password="PLANTED" />`, `<authentication-certificate body="{{p-authentication-certificate-body}}" password="{{p-authentication-certificate-password}}" />`},
	} {
		d := newDraft("")
		got := string(d.withoutSecrets("p", []byte(strings.ReplaceAll(in, "%s", c.text))))
		want := strings.ReplaceAll(in, "%s", c.want)
		if c.want == "" {
			want = strings.ReplaceAll(in, "%s", c.text)
		}
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, want)
		}
	}
}

// A document that cannot be read is not copied, and does not open what it closed.
func TestUnreadableDocument(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`<policies><inbound><authentication-basic password="PLANTED"`, "<policies><inbound><return-response>"},
		{`<fragment><set-header name="Authorization"><value>PLANTED</fragment>`, "<fragment><return-response>"},
	} {
		d := newDraft("")
		got := string(d.withoutSecrets("p", []byte(c.in)))
		if !strings.HasPrefix(got, c.want) || strings.Contains(got, "PLANTED") {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if len(d.remarks) != 1 || strings.Contains(d.remarks[0].Text, "PLANTED") {
			t.Errorf("got %v", d.remarks)
		}
	}
}

// Taking secrets out twice finds none the second time.
func FuzzWithoutSecrets(f *testing.F) {
	for _, seed := range []string{
		`<policies><inbound><authentication-basic username="u" password="p" /></inbound></policies>`,
		`<fragment><set-header name="Authorization"><value><![CDATA[x]]></value></set-header></fragment>`,
		`<policies><inbound><set-query-parameter name="code"><value>a&lt;b</value></set-query-parameter></inbound></policies>`,
		`<a>?sig=x&amp;code=y SharedAccessKey=0123456789abcdef0123</a>`, "\xff\xfe<\x00", "<",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		once := newDraft("").withoutSecrets("p", content)
		d := newDraft("")
		if twice := d.withoutSecrets("p", once); string(twice) != string(once) || len(d.namedValues) > 0 {
			t.Errorf("of\n%q\ngot\n%q\nand then\n%q", content, once, twice)
		}
	})
}
