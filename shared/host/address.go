package host

// AzureAddressHeaders are the headers in which the front end of Azure Functions says
// from which address a request came, the most telling first. It sets Client-Ip, with
// a port, and X-Client-Ip whatever a client sent; the Functions host behind it then
// replaces X-Forwarded-For by the address that it was called from itself.
func AzureAddressHeaders() []string { return []string{"Client-Ip", "X-Client-Ip", "X-Forwarded-For"} }

// AzureCertificateHeader is the header in which the front end of Azure Functions hands
// on the certificate of a client, where the app takes certificates.
const AzureCertificateHeader = "X-Arr-Clientcert"
