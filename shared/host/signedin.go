package host

import (
	"fmt"
	"net/http"
	"strings"
)

// signedIn are the headers in which the authentication of App Service (EasyAuth) says
// who has signed in. It replaces what clients send in them, where it is on.
var signedIn = [...]string{"X-Ms-Client-Principal", "X-Ms-Token-"}

// AzureSignedIn tells whether the authentication of App Service is in front of the app,
// as TOOLGATE_EASYAUTH says. It is an error where the platform says otherwise: its
// headers would be anybody's.
func AzureSignedIn(get func(name string) string) (bool, error) {
	switch text := get("TOOLGATE_EASYAUTH"); {
	case text == "" || strings.EqualFold(text, "false"):
		return false, nil
	case !strings.EqualFold(text, "true"):
		return false, fmt.Errorf("TOOLGATE_EASYAUTH is %q: write true or false", text)
	case strings.EqualFold(get("WEBSITE_AUTH_ENABLED"), "false"):
		return false, fmt.Errorf("TOOLGATE_EASYAUTH is true, and the authentication of this app is off (WEBSITE_AUTH_ENABLED): clients could send X-MS-CLIENT-PRINCIPAL themselves; turn it on, or remove the setting")
	}
	return true, nil
}

// WithoutSignIn takes the headers of the authentication of App Service out of requests,
// for a handler that it is not in front of: there they are anybody's.
func WithoutSignIn(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			for _, prefix := range signedIn {
				if strings.HasPrefix(name, prefix) {
					delete(r.Header, name)
				}
			}
		}
		h.ServeHTTP(w, r)
	})
}
