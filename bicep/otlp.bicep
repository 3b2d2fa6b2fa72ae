// Endpoints of Azure Monitor that take OpenTelemetry as it is: traces and logs go to
// Log Analytics, metrics to a workspace of Azure Monitor.

@description('The name of the endpoint, the rule and the workspace.')
param name string

@description('The Azure region.')
param location string

@description('The tags of the resources.')
param tags object

@description('The resource id of the workspace of Log Analytics.')
param workspaceId string

@description('The resource id of Application Insights.')
param insightsId string

@description('The object id of the identity of the gateway.')
param principalId string

// Monitoring Metrics Publisher, which on a rule is the right to send by it.
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

var metricStreams = ['Custom-Metrics-Otel']
var logStreams = ['Microsoft-OTel-Logs']
var traceStreams = ['Microsoft-OTel-Traces-Spans', 'Microsoft-OTel-Traces-Events', 'Microsoft-OTel-Traces-Resources']

// What stands in the path of a request, which is not the name of the stream.
var tracesPath = 'Microsoft-OTLP-Traces/otlp/v1/traces'
var metricsPath = 'Custom-Metrics-Otel/otlp/v1/metrics'

var reference = 'applicationInsights'

resource metrics 'Microsoft.Monitor/accounts@2023-04-03' = {
  name: name
  location: location
  tags: tags
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' = {
  name: name
  location: location
  tags: tags
  properties: {
    networkAcls: {
      publicNetworkAccess: 'Enabled'
    }
  }
}

resource rule 'Microsoft.Insights/dataCollectionRules@2024-03-11' = {
  name: name
  location: location
  tags: tags
  properties: {
    dataCollectionEndpointId: endpoint.id
    references: {
      applicationInsights: [
        {
          name: reference
          resourceId: insightsId
        }
      ]
    }
    directDataSources: {
      otelMetrics: [
        {
          name: 'metrics'
          streams: metricStreams
          enrichWithReference: reference
          enrichWithResourceAttributes: ['*']
        }
      ]
      otelLogs: [
        {
          name: 'logs'
          streams: logStreams
          enrichWithReference: reference
          enrichWithResourceAttributes: ['*']
          replaceResourceIdWithReference: true
        }
      ]
      otelTraces: [
        {
          name: 'traces'
          streams: traceStreams
          enrichWithReference: reference
          enrichWithResourceAttributes: ['*']
          replaceResourceIdWithReference: true
        }
      ]
    }
    destinations: {
      logAnalytics: [
        {
          name: 'logAnalytics'
          workspaceResourceId: workspaceId
        }
      ]
      monitoringAccounts: [
        {
          name: 'azureMonitor'
          accountResourceId: metrics.id
        }
      ]
    }
    dataFlows: [
      {
        streams: metricStreams
        destinations: ['azureMonitor']
      }
      {
        streams: logStreams
        destinations: ['logAnalytics']
      }
      {
        streams: traceStreams
        destinations: ['logAnalytics']
      }
    ]
  }
}

resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(rule.id, principalId, metricsPublisher)
  scope: rule
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

@description('What OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says.')
output tracesUrl string = '${endpoint.properties.logsIngestion.endpoint}/datacollectionRules/${rule.properties.immutableId}/streams/${tracesPath}'

@description('What OTEL_EXPORTER_OTLP_METRICS_ENDPOINT says.')
output metricsUrl string = '${endpoint.properties.metricsIngestion.endpoint}/datacollectionRules/${rule.properties.immutableId}/streams/${metricsPath}'
