package auth

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Entra are the rules of tokens that Microsoft Entra issues.
type Entra struct {
	// Tenant is the tenant's ID or domain, organizations, common, or a URL of one of
	// these at the endpoint.
	Tenant string
	// Endpoint is where the tenant's OpenID configuration is; empty is
	// https://login.microsoftonline.com.
	Endpoint string
	// ClientIDs are the client applications of which the token needs one, in appid
	// (v1) or azp (v2); nil does not check it.
	ClientIDs []string
	// BackendIDs are application IDs that join the Audiences, as they are and as
	// api://ID.
	BackendIDs []string
}

const (
	publicCloud   = "https://login.microsoftonline.com"
	organizations = "organizations"
	// consumers is the tenant of personal accounts.
	consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"
	// anyTenant stands for the tenant in the issuer of a configuration that is
	// shared by many.
	anyTenant = "{tenantid}"
)

// firstIssuers begin the issuers of v1 tokens, which no v2 configuration names:
// everywhere, and in China.
var firstIssuers = []string{"https://sts.windows.net/", "https://sts.chinacloudapi.cn/"}

var (
	tenantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)
	tenantGUID = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// place is the endpoint and the name of the tenant.
func (e *Entra) place() (endpoint, tenant string, err error) {
	endpoint, tenant = strings.TrimRight(e.Endpoint, "/"), strings.TrimSpace(e.Tenant)
	if endpoint == "" {
		endpoint = publicCloud
	}
	if strings.Contains(tenant, "://") {
		u, err := url.Parse(tenant)
		if err != nil {
			return "", "", fmt.Errorf("reading the URL of a tenant: %w", err)
		}
		endpoint = u.Scheme + "://" + u.Host
		tenant = tenantOf(tenant)
	}
	if !tenantName.MatchString(tenant) {
		return "", "", fmt.Errorf("%q is no tenant: give its ID or its domain, organizations or common", e.Tenant)
	}
	return endpoint, tenant, nil
}

// configuration is the URL of the tenant's OpenID configuration. Its keys verify
// v1 and v2 tokens.
func (e *Entra) configuration() (string, error) {
	endpoint, tenant, err := e.place()
	if err != nil {
		return "", err
	}
	return endpoint + "/" + tenant + "/v2.0/.well-known/openid-configuration", nil
}

// excludes reports whether a tenant is none of those that are meant.
func (e *Entra) excludes(tenant string) bool {
	if e == nil || !strings.EqualFold(tenant, consumers) {
		return false
	}
	_, name, err := e.place()
	return err != nil || strings.EqualFold(name, organizations)
}

// backend reports whether an audience is one of the backend applications. No
// rules have none.
func (e *Entra) backend(aud string) bool {
	return e != nil && (slices.Contains(e.BackendIDs, aud) || slices.Contains(e.BackendIDs, strings.TrimPrefix(aud, "api://")))
}

// voucher is a provider that one of its keys, or a key of the rules, speaks for.
type voucher struct {
	issuer string // of the OpenID configuration
	// keyIssuer is the issuer that Entra limits a key to; empty does not.
	keyIssuer string
}

// allows reports whether the issuer of a token is the provider. Where its
// configuration is shared by many tenants, the token's own tid stands for the
// tenant.
func (w voucher) allows(c claims, e *Entra) bool {
	tid, issuer := c.text("tid"), w.issuer
	shared := strings.Contains(issuer, anyTenant)
	if shared {
		if !tenantGUID.MatchString(tid) || e.excludes(tid) {
			return false
		}
		issuer = strings.ReplaceAll(issuer, anyTenant, tid)
	}
	if (shared || e != nil) && !w.keyOf(tid) || e != nil && tid != "" && tid != tenantOf(issuer) {
		return false
	}
	iss := c.text("iss")
	return iss == issuer || e != nil && isFirst(iss, issuer, tid)
}

// keyOf reports whether the key may sign for a tenant: those for personal
// accounts are published among the rest, and may not sign for others.
func (w voucher) keyOf(tid string) bool {
	return w.keyIssuer == "" || strings.Contains(w.keyIssuer, anyTenant) || tenantOf(w.keyIssuer) == tid
}

// isFirst reports whether iss is the issuer of v1 tokens of the tenant whose v2
// issuer is given.
func isFirst(iss, second, tid string) bool {
	if tenantOf(second) != tid || !tenantGUID.MatchString(tid) {
		return false
	}
	return slices.ContainsFunc(firstIssuers, func(first string) bool { return iss == first+tid+"/" })
}

// tenantOf is the tenant that an issuer names: the first segment of its path.
func tenantOf(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	tenant, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
	return tenant
}

// checkClient checks the client application.
func (c claims) checkClient(e *Entra) error {
	if e == nil || e.ClientIDs == nil {
		return nil
	}
	name := "appid"
	if _, ok := c[name]; !ok {
		name = "azp"
	}
	id := c.text(name)
	if id == "" {
		return &Error{Kind: TokenClaimNotFound, Claim: "appid"}
	}
	if !slices.ContainsFunc(e.ClientIDs, func(allowed string) bool { return strings.EqualFold(allowed, id) }) {
		return &Error{Kind: TokenClaimValueNotAllowed, Claim: name, Value: id}
	}
	return nil
}
