package importer

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/config"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// contract is an entity of API Management, as Azure Resource Manager and extracts
// of APIOps show it.
type contract[P any] struct {
	Name       string `json:"name,omitzero"` // extracts have it in the path
	Properties P      `json:"properties"`
}

// clean cleans the properties.
func (c *contract[P]) clean(d *draft, place string) {
	if p, ok := any(&c.Properties).(cleaned); ok {
		if c.Name != "" && c.Name != "policy" && !strings.HasSuffix(place, "/"+c.Name) {
			place += "/" + c.Name
		}
		p.clean(d, place)
	}
}

// nothing are properties that nobody reads.
type nothing struct{}

type namedValueProperties struct {
	DisplayName string      `json:"displayName"`
	Value       string      `json:"value,omitzero"`
	Secret      bool        `json:"secret,omitzero"`
	KeyVault    *vaultEntry `json:"keyVault,omitzero"`
}

// vaultEntry is a secret in a key vault.
type vaultEntry struct {
	SecretIdentifier string `json:"secretIdentifier"`
	IdentityClientID string `json:"identityClientId,omitzero"`
}

// clean takes the value of a secret out, and of what is none by its declaration
// and one by its looks.
func (v *namedValueProperties) clean(d *draft, place string) {
	if !v.Secret && (signature.MatchString(v.Value) || connectionString.MatchString(v.Value)) {
		v.Secret = true
		d.remark(place, "it is not marked as a secret, but has one in it: it is one here")
	}
	if v.Secret || v.KeyVault != nil {
		v.Value = ""
	}
}

type backendProperties struct {
	Title          string              `json:"title,omitzero"`
	URL            string              `json:"url,omitzero"`
	Protocol       string              `json:"protocol,omitzero"`
	Type           string              `json:"type,omitzero"`
	Credentials    *backendCredentials `json:"credentials,omitzero"`
	TLS            *backendTLS         `json:"tls,omitzero"`
	Proxy          *nothing            `json:"proxy,omitzero"`
	CircuitBreaker *circuitBreaker     `json:"circuitBreaker,omitzero"`
	Pool           *pool               `json:"pool,omitzero"`
}

type backendCredentials struct {
	Header          map[string][]string `json:"header,omitzero"`
	Query           map[string][]string `json:"query,omitzero"`
	Authorization   *authorization      `json:"authorization,omitzero"`
	Certificate     []string            `json:"certificate,omitzero"`    // thumbprints
	CertificateIDs  []string            `json:"certificateIds,omitzero"` // ids of certificates
	ManagedIdentity *managedIdentity    `json:"managedIdentity,omitzero"`
}

type authorization struct {
	Scheme    string `json:"scheme"`
	Parameter string `json:"parameter"`
}

type managedIdentity struct {
	Resource string `json:"resource"`
	ClientID string `json:"clientId,omitzero"`
}

type backendTLS struct {
	ValidateCertificateChain *bool `json:"validateCertificateChain,omitzero"`
	ValidateCertificateName  *bool `json:"validateCertificateName,omitzero"`
}

type circuitBreaker struct {
	Rules []breakerRule `json:"rules,omitzero"`
}

type breakerRule struct {
	FailureCondition struct {
		Count            int           `json:"count,omitzero"`
		Percentage       int           `json:"percentage,omitzero"`
		Interval         string        `json:"interval,omitzero"` // ISO 8601
		StatusCodeRanges []statusRange `json:"statusCodeRanges,omitzero"`
		ErrorReasons     []string      `json:"errorReasons,omitzero"`
	} `json:"failureCondition"`
	TripDuration     string `json:"tripDuration,omitzero"` // ISO 8601
	AcceptRetryAfter bool   `json:"acceptRetryAfter,omitzero"`
}

type statusRange struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

type pool struct {
	Services []poolService `json:"services,omitzero"`
}

type poolService struct {
	ID       string `json:"id"`
	Priority *int   `json:"priority,omitzero"`
	Weight   *int   `json:"weight,omitzero"`
}

// clean takes what a backend shows as its credentials out, all of it, and leaves
// the references to named values.
func (b *backendProperties) clean(d *draft, place string) {
	b.URL = d.withoutUser(place, d.withoutSignatures(place, b.URL))
	if b.Credentials == nil {
		return
	}
	lift := func(value, hint string) string {
		if strings.TrimSpace(value) == "" || placeholderOnly.MatchString(value) {
			return value
		}
		return d.secret(d.fresh(slug(place)+"-"+slug(hint)), place, "it stood in the credentials as plain text, and was not copied")
	}
	// What will not be taken needs no named value: it is nowhere then.
	liftFirst := func(list []string, name string, taken bool) {
		first := slices.IndexFunc(list, func(v string) bool { return v != "" })
		for i, value := range list {
			switch {
			case i == first && taken:
				list[i] = lift(value, name)
			case value != "":
				list[i] = removed
			}
		}
	}
	for name, list := range sorted(b.Credentials.Header) {
		liftFirst(list, name, config.CredentialHeader(name))
	}
	for name, list := range sorted(b.Credentials.Query) {
		liftFirst(list, name, name != "")
	}
	if a := b.Credentials.Authorization; a != nil {
		a.Parameter = lift(a.Parameter, "authorization")
	}
}

type apiProperties struct {
	DisplayName                   string        `json:"displayName"`
	Description                   string        `json:"description,omitzero"`
	Path                          string        `json:"path"`
	Protocols                     []string      `json:"protocols,omitzero"`
	ServiceURL                    string        `json:"serviceUrl,omitzero"`
	SubscriptionRequired          *bool         `json:"subscriptionRequired,omitzero"`
	SubscriptionKeyParameterNames *keyNames     `json:"subscriptionKeyParameterNames,omitzero"`
	Type                          string        `json:"type,omitzero"` // none is http
	APIType                       string        `json:"apiType,omitzero"`
	IsCurrent                     *bool         `json:"isCurrent,omitzero"`
	APIRevision                   string        `json:"apiRevision,omitzero"`
	APIVersion                    string        `json:"apiVersion,omitzero"`
	APIVersionSetID               string        `json:"apiVersionSetId,omitzero"`
	MCPTools                      []mcpTool     `json:"mcpTools,omitzero"`
	BackendID                     string        `json:"backendId,omitzero"`
	MCPProperties                 mcpProperties `json:"mcpProperties,omitzero"`
	MCPPropertiesMisspelt         mcpProperties `json:"mcpPropperties,omitzero"` // as a sample of Microsoft has it
}

type keyNames struct {
	Header string `json:"header,omitzero"`
	Query  string `json:"query,omitzero"`
}

// clean leaves no secret in the URL.
func (a *apiProperties) clean(d *draft, place string) {
	a.ServiceURL = d.withoutUser(place, d.withoutSignatures(place, a.ServiceURL))
}

// kind is http, soap, graphql, websocket, mcp and so on.
func (a *apiProperties) kind() string {
	switch {
	case a.Type != "":
		return strings.ToLower(a.Type)
	case a.APIType != "":
		return strings.ToLower(a.APIType)
	}
	return "http"
}

type mcpTool struct {
	Name        string `json:"name"`
	OperationID string `json:"operationId"` // …/apis/API/operations/OPERATION
	Description string `json:"description,omitzero"`
}

// mcpToolProperties are those of a tool that is an entity of its own.
type mcpToolProperties struct {
	DisplayName string `json:"displayName,omitzero"`
	Description string `json:"description,omitzero"`
	OperationID string `json:"operationId"`
}

type mcpProperties struct {
	TransportType string    `json:"transportType,omitzero"`
	Endpoints     endpoints `json:"endpoints,omitzero"`
}

type endpoint struct {
	Name        string `json:"name"`
	URITemplate string `json:"uriTemplate"`
}

// endpoints are a list, or a mapping by their names.
type endpoints []endpoint

// UnmarshalJSONFrom serves json.UnmarshalerFrom.
func (e *endpoints) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if v.Kind() == '[' {
		return json.Unmarshal(v, (*[]endpoint)(e))
	}
	var named map[string]endpoint
	if err := json.Unmarshal(v, &named); err != nil {
		return err
	}
	for name, one := range sorted(named) {
		*e = append(*e, endpoint{name, one.URITemplate})
	}
	return nil
}

type operationProperties struct {
	DisplayName string `json:"displayName,omitzero"`
	Method      string `json:"method"`
	URLTemplate string `json:"urlTemplate"`
}

// policyProperties are a policy document, or a fragment of one.
type policyProperties struct {
	Format string `json:"format,omitzero"`
	Value  string `json:"value"`
}

// clean takes secrets out of the document.
func (p *policyProperties) clean(d *draft, place string) {
	p.Value = string(d.withoutSecrets(place, []byte(p.Value)))
}

type productProperties struct {
	DisplayName          string `json:"displayName"`
	Description          string `json:"description,omitzero"`
	SubscriptionRequired *bool  `json:"subscriptionRequired,omitzero"`
	ApprovalRequired     bool   `json:"approvalRequired,omitzero"`
	SubscriptionsLimit   *int   `json:"subscriptionsLimit,omitzero"`
	State                string `json:"state,omitzero"`
	Terms                string `json:"terms,omitzero"`
}

type versionSetProperties struct {
	VersioningScheme  string `json:"versioningScheme"`
	VersionHeaderName string `json:"versionHeaderName,omitzero"`
	VersionQueryName  string `json:"versionQueryName,omitzero"`
}

type certificateProperties struct {
	KeyVault *vaultEntry `json:"keyVault,omitzero"`
}

type schemaProperties struct {
	SchemaType string         `json:"schemaType,omitzero"`
	Value      string         `json:"value,omitzero"`
	Document   jsontext.Value `json:"document,omitzero"`
}

type subscriptionProperties struct {
	DisplayName string `json:"displayName,omitzero"`
	Scope       string `json:"scope,omitzero"` // …/products/PRODUCT, …/apis/API or …/apis
}

type groupProperties struct {
	Type    string `json:"type,omitzero"`
	BuiltIn bool   `json:"builtIn,omitzero"`
}

// exportReply is the reply to an export of an API: the document, or where it is.
type exportReply struct {
	Value      exportValue `json:"value,omitzero"`
	Properties struct {
		Value exportValue `json:"value,omitzero"`
	} `json:"properties,omitzero"`

	link string // with its signature
}

// exportValue is the document of an export, or a link to it.
type exportValue struct {
	Link string `json:"link,omitzero"`
}

// UnmarshalJSONFrom serves json.UnmarshalerFrom.
func (e *exportValue) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil || v.Kind() != '{' {
		return err
	}
	type members exportValue
	return json.Unmarshal(v, (*members)(e))
}

// clean takes the link out, whose signature opens the document for some minutes.
func (e *exportReply) clean(*draft, string) {
	for _, v := range []*exportValue{&e.Value, &e.Properties.Value} {
		if v.Link != "" {
			e.link, v.Link = v.Link, removed
		}
	}
}

// last is the last segment of an id.
func last(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// segmentAfter is the segment of an id behind another one; empty for none.
func segmentAfter(id, before string) string {
	segments := strings.Split(id, "/")
	for i, s := range segments[:len(segments)-1] {
		if strings.EqualFold(s, before) {
			return segments[i+1]
		}
	}
	return ""
}

// withoutUser takes a name and a password out of a URL.
func (d *draft) withoutUser(place, text string) string {
	u, err := url.Parse(text)
	if err != nil {
		if strings.Contains(text, "@") {
			d.remark(place, "its URL cannot be read, and was not copied")
			return ""
		}
		return text // its braces are those of named values
	}
	if u.User == nil {
		return text
	}
	u.User = nil
	d.remark(place, "the name and the password in its URL were not copied: give the backend credentials")
	return u.String()
}

// placed is how remarks name an entity.
func placed(kind, name string) string { return fmt.Sprintf("%s %q", kind, name) }
