package host

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAzureSignedIn(t *testing.T) {
	for _, c := range []struct {
		setting, platform string
		want, ok          bool
	}{
		{"", "True", false, true},
		{"false", "True", false, true},
		{"true", "True", true, true},
		{"True", "", true, true}, // not every plan tells
		{"true", "False", false, false},
		{"on", "True", false, false},
	} {
		got, err := AzureSignedIn(func(name string) string {
			return map[string]string{"TOOLGATE_EASYAUTH": c.setting, "WEBSITE_AUTH_ENABLED": c.platform}[name]
		})
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%q on a platform that says %q: got %v, %v", c.setting, c.platform, got, err)
		}
	}
}

func TestWithoutSignIn(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	for _, name := range []string{"X-MS-CLIENT-PRINCIPAL", "X-MS-CLIENT-PRINCIPAL-ID", "x-ms-token-aad-access-token", "X-MS-Client-Request-Id", "Authorization"} {
		r.Header.Set(name, "a")
	}
	var left http.Header
	WithoutSignIn(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { left = r.Header })).ServeHTTP(nil, r)
	if len(left) != 2 || left.Get("Authorization") == "" || left.Get("X-MS-Client-Request-Id") == "" {
		t.Errorf("got %v", left)
	}
}
