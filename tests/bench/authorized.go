package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"toolgate/shared/mcp"
	"toolgate/tests/internal/rpc"

	"github.com/golang-jwt/jwt/v5"
)

// ruledTools is the size of the list that is filtered.
const ruledTools = 300

// filteringAdds is what a token and the rules of the tools may add to a list, in
// microseconds.
const filteringAdds = 50

// issuing is an authorization server, as far as its keys go.
func issuing(keys string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" {
			_, _ = w.Write([]byte(keys))
			return
		}
		fmt.Fprintf(w, `{"issuer":"http://%s","jwks_uri":"http://%[1]s/keys"}`, r.Host)
	})
}

// ruled is a gateway with many tools. With an issuer it takes tokens, and each tool
// but the last is for those that the token speaks for.
func ruled(ids []string, issuer string) string {
	rules := []string{"{ scopes: [ read ] }", "{ roles: [ other, clerk ] }", "{ groups: [ staff ] }", "[ { roles: [ admin ] }, { roles: [ clerk ], scopes: [ write ] } ]", "{ claims: { level: 2 } }"}
	tools, authorization := "", ""
	for i, id := range ids {
		allow := ", allow: " + rules[i%len(rules)]
		switch {
		case issuer == "":
			allow = ""
		case i == len(ids)-1:
			allow = ", allow: { roles: [ admin ] }"
		}
		tools += "      - { operation: " + id + allow + " }\n"
	}
	if issuer != "" {
		authorization = "    authorization: { issuer: \"" + issuer + "\", audience: api://tools, scopes: [ read ] }\n"
	}
	return "name: contoso\nlimits: { listPage: 1000 }\nbackends: { b: { url: \"http://127.0.0.1:9\" } }\napis: { a: { openapi: a.json, backend: b } }\nservers:\n  ruled:\n    api: a\n" +
		authorization + "    acceptLossy: true\n    tools:\n" + tools
}

// operationIDs are those of document.
func operationIDs(operations int) []string {
	ids := make([]string, 0, operations)
	for i := range operations {
		ids = append(ids, fmt.Sprintf("%s-resource%d", [...]string{"get", "replace", "remove", "list", "create"}[i%5], i/5))
	}
	return ids
}

// filtered adds a list of many tools, whole and for one caller.
func (s *starter) filtered() {
	if s.err != nil {
		return
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		s.err = err
		return
	}
	encode := base64.RawURLEncoding.EncodeToString
	keys := fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"1","n":%q,"e":%q}]}`, encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes()))
	issuer, err := s.start(s.ctx, roleIssuer, keys)
	if err != nil {
		s.err = err
		return
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": issuer.url, "aud": "api://tools", "sub": "alice", "exp": time.Now().Add(24 * time.Hour).Unix(), "client_id": "cli",
		"scope": "read write", "roles": []string{"clerk", "reader"}, "groups": []string{"staff"}, "level": 2,
	})
	token.Header["kid"] = "1"
	text, err := token.SignedString(key)
	if err != nil {
		s.err = err
		return
	}
	whole := s.ruledGateway("ruled", "")
	limited := s.ruledGateway("ruled-with-token", issuer.url)
	list := mcpCall{mcp.MethodListTools, `{}`, `"tools":[`}
	everything := s.add(fmt.Sprintf("tools/list of %d tools", ruledTools), "", 0, roleGateway, whole, s.mcp("/ruled/mcp", list))
	s.add("the same, by a token and rules for each tool", everything.Name, 0, roleGateway, limited, func(url string) (call, error) {
		r := rpc.New(mcp.Latest, "1", list.method, list.params).With("Authorization", "Bearer "+text)
		return newCall(http.MethodPost, url+"/ruled/mcp", r, list.want)
	}).BoundAdded = filteringAdds
}

// ruledGateway compiles a gateway with many tools; it returns the file.
func (s *starter) ruledGateway(name, issuer string) string {
	if s.err != nil {
		return ""
	}
	var content []byte
	if content, s.err = document(ruledTools); s.err != nil {
		return ""
	}
	var file string
	file, s.err = s.compile(s.ctx, name, map[string]string{"a.json": string(content), "gateway.yaml": ruled(operationIDs(ruledTools), issuer)})
	return file
}
