// Log Analytics and Application Insights: what the Functions host writes of the app,
// the gateway's log among it. Ingestion takes tokens only.

@description('The name of the workspace of Log Analytics.')
param workspaceName string

@description('The name of Application Insights.')
param insightsName string

@description('The Azure region.')
param location string

@description('The tags of the resources.')
param tags object

@description('The days for which logs are kept.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('The object id of the identity of the gateway.')
param principalId string

// Monitoring Metrics Publisher.
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionInDays
    features: {
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}

resource publishes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, metricsPublisher)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

@description('The resource id of the workspace.')
output workspaceId string = workspace.id

@description('The resource id of Application Insights.')
output insightsId string = insights.id

@description('The name of Application Insights.')
output insightsName string = insights.name
