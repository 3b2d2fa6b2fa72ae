package expr

// differences say what differs from API Management, which runs .NET: by the name
// of a type, or by those of a type and its member ("new" for constructors).
var differences = map[string]string{
	"CultureInfo":      "there is only the invariant culture",
	"DateTime":         "local time is UTC, on every host",
	"Random":           "a seed gives one sequence, but not that of .NET",
	"Regex":            `Go's engine, whose time grows with the text alone. Look-around, back-references, atomic and conditional groups, subtraction from character classes and \G are refused: when the document is built, or by ArgumentException where the pattern is computed`,
	"CipherMode":       "CBC and ECB run; the others throw CryptographicException",
	"X509Certificate2": "the certificate alone is read, from DER or PEM; files with a private key are named in the configuration",

	"IContext.Mcp":                               "null where the request is no MCP message",
	"Group.Captures":                             "the last capture alone",
	"RegexOptions.Compiled":                      "makes no difference",
	"RegexOptions.CultureInvariant":              "makes no difference",
	"RegexOptions.ExplicitCapture":               "makes no difference",
	"JsonSerializerSettings.DateParseHandling":   "makes no difference",
	"TimeZoneInfo.FindSystemTimeZoneById":        "by IANA name, or by the Windows name of the commonest zones",
	"TimeZoneInfo.ConvertTimeBySystemTimeZoneId": "by IANA name, or by the Windows name of the commonest zones",
	"TimeZoneInfo.Id":                            "the IANA name, also of a zone that was found by its Windows name",
	"X509Certificate2.FriendlyName":              "always empty",
	"X509Certificate2.VerifyNoRevocation":        "the same as Verify",
	"XmlNode.SelectSingleNode":                   "of XPath /a/b, //a, @a, text() and a[1]; prefixes do not count",
	"XmlNode.SelectNodes":                        "of XPath /a/b, //a, @a, text() and a[1]; prefixes do not count",
}
