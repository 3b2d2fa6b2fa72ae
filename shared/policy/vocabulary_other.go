package policy

// Why policies are not run.
const (
	noGraphQL       = "the gateway serves REST APIs and MCP servers; resolvers belong to GraphQL APIs"
	noSOAP          = "the gateway has no XSLT processor"
	noServiceFabric = "the gateway does not resolve Service Fabric services"
	noDapr          = "the gateway has no Dapr sidecar"
	noOData         = "the gateway does not import OData APIs"
	noBrowser       = "it serves browsers without CORS; use cors"
	noMessages      = "it needs a message broker; use send-one-way-request to reach one over HTTP"
)

var otherPolicies = []PolicyType{
	notRun(GroupOther, noSOAP, "xsl-transform", "Transforms an XML body by a stylesheet."),
	notRun(GroupOther, noBrowser, "jsonp", "Wraps a JSON response in a call of a function."),
	notRun(GroupOther, noBrowser, "cross-domain", "Answers Flash and Silverlight clients."),
	notRun(GroupOther, noDapr, "invoke-dapr-binding", "Invokes a Dapr binding."),
	notRun(GroupOther, noDapr, "publish-to-dapr", "Publishes a message to a Dapr topic."),
	notRun(GroupOther, noDapr, "invoke-darp-binding", "Invokes a Dapr binding, in the spelling of the policy toolkit."),
	notRun(GroupOther, noDapr, "publish-to-darp", "Publishes a message to a Dapr topic, in the spelling of the policy toolkit."),
	notRun(GroupOther, noMessages, "send-service-bus-message", "Sends a message to Azure Service Bus."),
	notRun(GroupOther, noGraphQL, "validate-graphql-request", "Checks a GraphQL request."),
	notRun(GroupOther, noGraphQL, "publish-event", "Publishes an event to GraphQL subscriptions."),
	notRun(GroupOther, noGraphQL, "http-data-source", "Resolves a GraphQL field by an HTTP request."),
	notRun(GroupOther, noGraphQL, "sql-data-source", "Resolves a GraphQL field by an SQL statement."),
	notRun(GroupOther, noGraphQL, "cosmosdb-data-source", "Resolves a GraphQL field from Cosmos DB."),
	notRun(GroupOther, noOData, "validate-odata-request", "Checks an OData request."),
}
