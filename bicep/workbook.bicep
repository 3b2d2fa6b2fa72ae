// The workbook: calls, errors, latency, refusals and the store, from the gateway's log.

@description('The name that the portal shows.')
param displayName string

@description('The Azure region.')
param location string

@description('The tags of the resource.')
param tags object

@description('The resource id of the workspace of Log Analytics.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'gateway')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: displayName
    serializedData: loadTextContent('../infra/monitor/workbook.json')
    sourceId: workspaceId
    version: 'Notebook/1.0'
  }
}

@description('The resource id of the workbook.')
output id string = workbook.id
