// The function app on Flex Consumption. It runs the gateway as a custom handler.

@description('The name of the app, which is the first part of its host name.')
param name string

@description('The name of the plan.')
param planName string

@description('The Azure region.')
param location string

@description('The tags of the plan.')
param tags object

@description('The service of azure.yaml that is deployed to the app.')
param serviceName string

@description('The resource id of the identity of the gateway.')
param identityId string

@description('The client id of the identity of the gateway.')
param identityClientId string

@description('The URL of the blob service.')
param blobEndpoint string

@description('The URL of the container with the package.')
param containerUrl string

@description('The name of Application Insights.')
param insightsName string

@description('The memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('The most instances that run at a time.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int

@description('The calls that one instance takes at a time.')
@minValue(1)
@maxValue(1000)
param perInstanceConcurrency int

@description('The instances that are kept ready for calls; 0 for none.')
@minValue(0)
param alwaysReadyInstances int

@description('The resource id of the subnet from which the app calls; empty for none.')
param subnetId string

@description('The id of the Front Door profile that alone may call the app; empty where everybody may.')
param frontDoorId string

@description('The origin under which clients reach the gateway; empty for the host name of the app.')
param publicUrl string

@description('The app settings of the gateway, Key Vault references among them.')
param settings object

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

// From others than Front Door the app is closed, its deployment endpoint is not.
var frontDoorOnly = [
  {
    name: 'FrontDoor'
    action: 'Allow'
    priority: 100
    ipAddress: 'AzureFrontDoor.Backend'
    tag: 'ServiceTag'
    headers: {
      'x-azure-fdid': [frontDoorId]
    }
  }
]

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    publicNetworkAccess: 'Enabled'
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: containerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'custom'
        version: '1.0'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [
              {
                name: 'http'
                instanceCount: alwaysReadyInstances
              }
            ]
        triggers: {
          http: {
            perInstanceConcurrency: perInstanceConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ipSecurityRestrictions: empty(frontDoorId) ? [] : frontDoorOnly
      ipSecurityRestrictionsDefaultAction: empty(frontDoorId) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictionsUseMain: false
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    {
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      AzureWebJobsStorage__blobServiceUri: blobEndpoint
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      AZURE_CLIENT_ID: identityClientId
    },
    settings
  )
}

// Deployment takes tokens, no passwords.
resource publishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = [
  for door in ['ftp', 'scm']: {
    parent: app
    name: door
    properties: {
      allow: false
    }
  }
]

@description('The name of the app.')
output name string = app.name

@description('The host name of the app.')
output hostName string = app.properties.defaultHostName

@description('The origin under which clients reach the gateway.')
output url string = empty(publicUrl) ? 'https://${app.properties.defaultHostName}' : publicUrl
