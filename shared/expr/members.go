package expr

import "iter"

// typeTables declare every type that expressions may name.
var typeTables = []typeTable{
	{namespace: "System", types: `
class object
class dynamic
class void
class Type
class AnonymousType
struct bool
struct char
struct sbyte
struct byte
struct short
struct ushort
struct int
struct uint
struct long
struct ulong
struct float
struct double
struct decimal
struct Nullable<T>
class string : IEnumerable<char>
class Array<T> : IList<T>, IReadOnlyList<T>
class Func<T>
class Action
class Predicate<T>
class Comparison<T>
class Tuple<T>
struct ValueTuple<T>
struct Guid
struct DateTime
struct DateTimeOffset
struct TimeSpan
class TimeZoneInfo
class Uri
class Random
static class Convert
static class Math
static class BitConverter
static class Enum
static class Environment
class StringComparer
enum StringComparison { CurrentCulture, CurrentCultureIgnoreCase, InvariantCulture, InvariantCultureIgnoreCase, Ordinal, OrdinalIgnoreCase }
enum StringSplitOptions { None = 0, RemoveEmptyEntries = 1, TrimEntries = 2 }
enum DateTimeKind { Unspecified, Utc, Local }
enum DayOfWeek { Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday }
enum MidpointRounding { ToEven, AwayFromZero }
enum UriKind { RelativeOrAbsolute, Absolute, Relative }
enum UriPartial { Scheme, Authority, Path, Query }
enum Base64FormattingOptions { None, InsertLineBreaks }
class Exception
class SystemException : Exception
class ArithmeticException : SystemException
class DivideByZeroException : ArithmeticException
class OverflowException : ArithmeticException
class ArgumentException : SystemException
class ArgumentNullException : ArgumentException
class ArgumentOutOfRangeException : ArgumentException
class FormatException : SystemException
class UriFormatException : FormatException
class IndexOutOfRangeException : SystemException
class InvalidCastException : SystemException
class InvalidOperationException : SystemException
class NotSupportedException : SystemException
class NotImplementedException : SystemException
class NullReferenceException : SystemException
class TimeoutException : SystemException
`},
	{namespace: "Microsoft.CSharp.RuntimeBinder", types: `class RuntimeBinderException : Exception`},
	{namespace: "System.Globalization", types: `
class CultureInfo
enum NumberStyles { None = 0, AllowLeadingSign = 4, Integer = 7, AllowDecimalPoint = 32, Number = 111, Float = 167, HexNumber = 515, Any = 511 }
enum DateTimeStyles { None = 0, AllowWhiteSpaces = 7, AdjustToUniversal = 16, AssumeLocal = 32, AssumeUniversal = 64, RoundtripKind = 128 }
`},
	{namespace: "System.Collections.Generic", types: `
interface IEnumerable<T>
interface ICollection<T> : IEnumerable<T>
interface IReadOnlyCollection<T> : IEnumerable<T>
interface IList<T> : ICollection<T>
interface IReadOnlyList<T> : IReadOnlyCollection<T>
interface ISet<T> : ICollection<T>
interface IReadOnlyDictionary<TKey, TValue> : IReadOnlyCollection<KeyValuePair<TKey, TValue>>
interface IDictionary<TKey, TValue> : IReadOnlyDictionary<TKey, TValue>, ICollection<KeyValuePair<TKey, TValue>>
class List<T> : IList<T>, IReadOnlyList<T>
class Dictionary<TKey, TValue> : IDictionary<TKey, TValue>
class HashSet<T> : ISet<T>, IReadOnlyCollection<T>
class Queue<T> : IReadOnlyCollection<T>
class Stack<T> : IReadOnlyCollection<T>
struct KeyValuePair<TKey, TValue>
class KeyNotFoundException : SystemException
`},
	{namespace: "System.Linq", types: `
static class Enumerable
interface IGrouping<TKey, TElement> : IEnumerable<TElement>
interface IOrderedEnumerable<T> : IEnumerable<T>
`},
	{namespace: "System.Text", types: "class StringBuilder\nclass Encoding"},
	{namespace: "System.Text.RegularExpressions", types: `
class Regex
class Capture
class Group : Capture
class Match : Group
class MatchCollection : IReadOnlyList<Match>
class GroupCollection : IReadOnlyList<Group>
class CaptureCollection : IReadOnlyList<Capture>
enum RegexOptions { None = 0, IgnoreCase = 1, Multiline = 2, ExplicitCapture = 4, Compiled = 8, Singleline = 16, IgnorePatternWhitespace = 32, CultureInvariant = 512 }
class RegexMatchTimeoutException : TimeoutException
`},
	{namespace: "Newtonsoft.Json", types: `
static class JsonConvert
class JsonSerializerSettings
enum Formatting { None, Indented }
enum NullValueHandling { Include, Ignore }
enum DateParseHandling { None, DateTime, DateTimeOffset }
class JsonException : Exception
class JsonReaderException : JsonException
class JsonSerializationException : JsonException
`},
	{namespace: "Newtonsoft.Json.Linq", types: `
class JToken : IEnumerable<JToken>
class JContainer : JToken
class JObject : IEnumerable<KeyValuePair<string, JToken>>, JContainer
class JArray : JContainer
class JProperty : JContainer
class JValue : JToken
class JRaw : JValue
enum JTokenType { None, Object, Array, Constructor, Property, Comment, Integer, Float, String, Boolean, Null, Undefined, Date, Raw, Bytes, Guid, Uri, TimeSpan }
`},
	{namespace: "System.Net", types: "static class WebUtility\nclass IPAddress"},
	{namespace: "System.Net.Sockets", types: "enum AddressFamily { InterNetwork = 2, InterNetworkV6 = 23 }"},
	{namespace: "System.IO", types: "class StringReader\nclass StringWriter"},
	{namespace: "System.Xml", types: `
class XmlException : SystemException
class XmlNode
class XmlDocument : XmlNode
enum XmlNodeType { None, Element, Attribute, Text, CDATA, ProcessingInstruction = 7, Comment = 8, Document = 9 }
`},
	{namespace: "System.Xml.Linq", types: `
class XObject
class XNode : XObject
class XContainer : XNode
class XElement : XContainer
class XDocument : XContainer
class XDeclaration
class XText : XNode
class XCData : XText
class XComment : XNode
class XAttribute : XObject
class XName
class XNamespace
enum SaveOptions { None, DisableFormatting }
`},
	{namespace: "System.Security.Cryptography", types: `
class HashAlgorithm
class MD5 : HashAlgorithm
class SHA1 : HashAlgorithm
class SHA256 : HashAlgorithm
class SHA384 : HashAlgorithm
class SHA512 : HashAlgorithm
class MD5CryptoServiceProvider : MD5
class SHA1Managed : SHA1
class SHA256Managed : SHA256
class SHA384Managed : SHA384
class SHA512Managed : SHA512
class SHA1CryptoServiceProvider : SHA1
class SHA256CryptoServiceProvider : SHA256
class HMAC : HashAlgorithm
class HMACMD5 : HMAC
class HMACSHA1 : HMAC
class HMACSHA256 : HMAC
class HMACSHA384 : HMAC
class HMACSHA512 : HMAC
class SymmetricAlgorithm
class Aes : SymmetricAlgorithm
class AesManaged : Aes
class ICryptoTransform
class RSA
class RSACng : RSA
class HashAlgorithmName
class RSASignaturePadding
class RNGCryptoServiceProvider
class Oid
enum CipherMode { CBC = 1, ECB = 2, OFB = 3, CFB = 4, CTS = 5 }
enum PaddingMode { None = 1, PKCS7 = 2, Zeros = 3, ANSIX923 = 4, ISO10126 = 5 }
class CryptographicException : SystemException
`},
	{namespace: "System.Security.Cryptography.X509Certificates", types: `
class X509Certificate
class X509Certificate2 : X509Certificate
class X500DistinguishedName
class PublicKey
`},
	{namespace: "", types: `
class IContext
class IApi
class IBackend
class IDeployment
class IGateway
class ISustainabilityInfo
class IGraphQLDataContext
class ILastError
class IOperation
class IProduct
class IGroup
class IRequest
class IFoundry
class IPrivateEndpointConnection
class IResponse
class ISubscription
class ISubscriptionKeyParameterNames
class IUser
class IUserIdentity
class IWorkspace
class IUrl
class IMessageBody
interface IHeaders : IReadOnlyDictionary<string, string[]>
interface IMultiValues : IReadOnlyDictionary<string, string[]>
interface IStrings : IReadOnlyDictionary<string, string>
interface IVariables : IReadOnlyDictionary<string, object>
class Authorization
class BasicAuthCredentials
class Jwt
`},
	{ours: true, types: "class IMcp"},
}

// families are the member tables of all files. They are registered when the
// program starts, because members refer to types and types to their members.
var families [][]memberTable

func init() {
	families = [][]memberTable{
		objectMembers, stringMembers, builderMembers, numberMembers, convertMembers, mathMembers, guidMembers, dateMembers, spanMembers,
		listMembers, dictionaryMembers, linqMembers, orderMembers, regexMembers, jsonMembers, jsonContainerMembers, netMembers,
		hashMembers, cipherMembers, certificateMembers, xmlMembers, declarationMembers, ioMembers, contextMembers, gatewayMembers, messageMembers, tokenMembers,
	}
}

// memberTables yields the members of all types, by family.
func memberTables() iter.Seq[memberTable] {
	return func(yield func(memberTable) bool) {
		for _, family := range families {
			for _, table := range family {
				if !yield(table) {
					return
				}
			}
		}
	}
}
