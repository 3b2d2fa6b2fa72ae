// What `azd up` makes: a resource group with the gateway and everything it needs.
targetScope = 'subscription'

@description('The name of the environment of azd, from which all names are made.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('The Azure region.')
@metadata({ azd: { type: 'location' } })
param location string

@description('The object id of who deploys: they may set secrets in the vault, and manage subscription keys in the table. Empty for nobody.')
param principalId string = ''

@description('What principalId is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

@description('The names of the MCP servers in gateway.yaml, separated by commas: for the outputs and for API Center.')
param servers string = ''

@description('The origin under which clients reach the gateway, if it is a domain of your own; empty for the host name that Azure gives.')
param publicUrl string = ''

@description('The memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 512

@description('The most instances that run at a time.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('The calls that one instance takes at a time. Calls that wait for a backend share an instance and its price.')
@minValue(1)
@maxValue(1000)
param perInstanceConcurrency int = 100

@description('The instances that are kept ready for calls. They cost money while nobody calls; 0 for none.')
@minValue(0)
param alwaysReadyInstances int = 0

@description('The redundancy of the storage account.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_LRS'

@description('Whether a deleted vault stays recoverable for 90 days, whatever its owner wants. This cannot be taken back.')
param purgeProtection bool = false

@description('The days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Whether Azure Monitor takes OpenTelemetry from the gateway. gateway.yaml then says telemetry: { managedIdentity: true }.')
param otlpEnabled bool = false

@description('The address that alerts go to; empty for nobody.')
param alertEmail string = ''

@description('Failed calls in 15 minutes beyond which there is an alert.')
param alertFailures int = 5

@description('The percentage of calls that fail, in 15 minutes, beyond which there is an alert.')
param alertFailurePercent int = 20

@description('Calls refused by limits in 15 minutes beyond which there is an alert.')
param alertThrottles int = 100

@description('Milliseconds of the 95th percentile beyond which there is an alert.')
param alertMilliseconds int = 5000

@description('Whether the app calls from a virtual network, and storage and vault are reached through private endpoints only.')
param vnetEnabled bool = false

@description('The addresses of the virtual network, at least 512 of them.')
param vnetAddressPrefix string = '10.80.0.0/20'

@description('Whether Azure Front Door stands in front, and nobody else may call the app.')
param frontDoorEnabled bool = false

@description('The tier of Front Door.')
@allowed(['Standard_AzureFrontDoor', 'Premium_AzureFrontDoor'])
param frontDoorSku string = 'Standard_AzureFrontDoor'

@description('The resource id of a firewall policy for Front Door; empty for none.')
param frontDoorWafPolicyId string = ''

@description('The resource id of an API Center that lists the MCP servers; empty for none.')
param apiCenterId string = ''

@description('The client id of an application in Microsoft Entra by which the platform signs callers in before the gateway sees them; empty to leave this to the gateway.')
param signInClientId string = ''

@description('The client ids of the applications that may call where the platform signs callers in, separated by commas; empty for all.')
param signInAllowedClients string = ''

@description('Function Apps whose keys the gateway needs: { setting, id, keyType, keyName }. setting names the environment variable that gateway.yaml reads with env:, keyType is functionKeys or systemKeys.')
param functionApps array = []

@description('Logic Apps whose signatures the gateway needs: { setting, id, trigger, workflow }. setting names the environment variable that gateway.yaml reads with env:, workflow is of Logic Apps Standard and empty for Consumption.')
param logicApps array = []

@description('More app settings. Secrets belong into the vault: write @Microsoft.KeyVault(SecretUri=…).')
param settings object = {}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var serverNames = empty(servers) ? [] : map(split(servers, ','), server => trim(server))
var vaultName = 'kv-${token}'

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity '../bicep/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module storage '../bicep/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    sku: storageSku
    containerName: 'package'
    tableName: 'toolgate'
    private: vnetEnabled
    principalId: identity.outputs.principalId
    deployerId: principalId
    deployerType: principalType
  }
}

module keyVault '../bicep/keyVault.bicep' = {
  name: 'keyVault'
  scope: group
  params: {
    name: vaultName
    location: location
    tags: tags
    private: vnetEnabled
    purgeProtection: purgeProtection
    storageAccountName: storage.outputs.name
    principalId: identity.outputs.principalId
    deployerId: principalId
    deployerType: principalType
  }
}

module functionAppKeys '../bicep/functionAppKey.bicep' = [
  for app in functionApps: {
    name: 'key-${uniqueString(app.setting)}'
    scope: group
    params: {
      vaultName: keyVault.outputs.name
      setting: app.setting
      functionAppId: app.id
      keyType: app.keyType
      keyName: app.keyName
      tags: tags
    }
  }
]

module logicAppKeys '../bicep/logicAppKey.bicep' = [
  for app in logicApps: {
    name: 'signature-${uniqueString(app.setting)}'
    scope: group
    params: {
      vaultName: keyVault.outputs.name
      setting: app.setting
      logicAppId: app.id
      workflow: app.workflow
      trigger: app.trigger
      tags: tags
    }
  }
]

module monitoring '../bicep/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    insightsName: 'appi-${token}'
    location: location
    tags: tags
    retentionInDays: logRetentionDays
    principalId: identity.outputs.principalId
  }
}

module otlp '../bicep/otlp.bicep' = if (otlpEnabled) {
  name: 'otlp'
  scope: group
  params: {
    name: 'otlp-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    insightsId: monitoring.outputs.insightsId
    principalId: identity.outputs.principalId
  }
}

module workbook '../bicep/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    displayName: 'MCP gateway ${environmentName}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module alerts '../bicep/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    name: 'alert-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
    failures: alertFailures
    failurePercent: alertFailurePercent
    throttles: alertThrottles
    milliseconds: alertMilliseconds
  }
}

module network '../bicep/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    addressPrefix: vnetAddressPrefix
  }
}

var privateServices = [
  {
    groupId: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    groupId: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    groupId: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
]

module privateEndpoints '../bicep/privateEndpoint.bicep' = [
  for service in privateServices: if (vnetEnabled) {
    name: 'endpoint-${service.groupId}'
    scope: group
    params: {
      name: 'pep-${service.groupId}-${token}'
      location: location
      tags: tags
      targetId: service.groupId == 'vault' ? keyVault.outputs.id : storage.outputs.id
      groupId: service.groupId
      zoneName: service.zone
      #disable-next-line BCP318
      networkId: network.outputs.id
      #disable-next-line BCP318
      subnetId: network.outputs.endpointSubnetId
    }
  }
]

module frontDoor '../bicep/frontDoor.bicep' = if (frontDoorEnabled) {
  name: 'frontDoor'
  scope: group
  params: {
    profileName: 'afd-${token}'
    endpointName: 'mcp-${token}'
    tags: tags
    sku: frontDoorSku
  }
}

// Where neither is given, it is the host name of the app.
#disable-next-line BCP318
var frontDoorUrl = frontDoorEnabled ? 'https://${frontDoor.outputs.hostName}' : ''

// Made from the name of the vault: a lambda may not ask what a module returns.
var secretsUrl = 'https://${vaultName}${environment().suffixes.keyvaultDns}/secrets'
var backendSettings = toObject(
  concat(functionApps, logicApps),
  app => app.setting,
  app => '@Microsoft.KeyVault(SecretUri=${secretsUrl}/${toLower(replace(app.setting, '_', '-'))})'
)

module functionApp '../bicep/functionApp.bicep' = {
  name: 'functionApp'
  scope: group
  dependsOn: [functionAppKeys, logicAppKeys, privateEndpoints]
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    serviceName: 'gateway'
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    containerUrl: storage.outputs.containerUrl
    insightsName: monitoring.outputs.insightsName
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    perInstanceConcurrency: perInstanceConcurrency
    alwaysReadyInstances: alwaysReadyInstances
    #disable-next-line BCP318
    subnetId: vnetEnabled ? network.outputs.appSubnetId : ''
    #disable-next-line BCP318
    frontDoorId: frontDoorEnabled ? frontDoor.outputs.frontDoorId : ''
    publicUrl: empty(publicUrl) ? frontDoorUrl : publicUrl
    settings: union(
      {
        TOOLGATE_STORE: storage.outputs.storeUrl
        SEALING_KEY: '@Microsoft.KeyVault(SecretUri=${keyVault.outputs.sealingKeyUri})'
      },
      otlpEnabled
        ? {
            #disable-next-line BCP318
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: otlp.outputs.tracesUrl
            #disable-next-line BCP318
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: otlp.outputs.metricsUrl
          }
        : {},
      empty(signInClientId)
        ? {}
        : {
            OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identity.outputs.clientId
            WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES: 'api://${signInClientId}/user_impersonation'
            TOOLGATE_EASYAUTH: 'true'
            WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
          },
      backendSettings,
      settings
    )
  }
}

module signIn '../bicep/signIn.bicep' = if (!empty(signInClientId)) {
  name: 'signIn'
  scope: group
  params: {
    appName: functionApp.outputs.name
    clientId: signInClientId
    allowedClients: empty(signInAllowedClients) ? [] : split(signInAllowedClients, ',')
  }
}

module frontDoorRoute '../bicep/frontDoorRoute.bicep' = if (frontDoorEnabled) {
  name: 'frontDoorRoute'
  scope: group
  params: {
    #disable-next-line BCP318
    profileName: frontDoor.outputs.profileName
    #disable-next-line BCP318
    endpointName: frontDoor.outputs.endpointName
    originHostName: functionApp.outputs.hostName
    wafPolicyId: frontDoorWafPolicyId
  }
}

module apiCenter '../bicep/apiCenter.bicep' = if (!empty(apiCenterId)) {
  name: 'apiCenter-${token}'
  // The first two are there for the case that there is no API Center.
  scope: resourceGroup(
    empty(apiCenterId) ? subscription().subscriptionId : split(apiCenterId, '/')[2],
    empty(apiCenterId) ? group.name : split(apiCenterId, '/')[4]
  )
  params: {
    apiCenterName: last(split(apiCenterId, '/'))
    environmentName: environmentName
    gatewayUrl: functionApp.outputs.url
    servers: serverNames
  }
}

@description('The resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('The name of the function app.')
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name

@description('The client id of the identity of the gateway.')
output AZURE_IDENTITY_CLIENT_ID string = identity.outputs.clientId

@description('The vault for secrets.')
output AZURE_KEY_VAULT_NAME string = keyVault.outputs.name

@description('The URL of the vault: gateway.yaml reads secrets by keyvault: and this URL, secrets/ and a name.')
output AZURE_KEY_VAULT_URL string = keyVault.outputs.uri

@description('The table that the instances share: go run ./local keys takes it as --store.')
output TOOLGATE_STORE string = storage.outputs.storeUrl

@description('The origin of the gateway. azd gives it to the command that writes the package, where gateway.yaml reads it as a named value.')
output TOOLGATE_PUBLIC_URL string = functionApp.outputs.url

@description('The id of Front Door, for clientAddress in gateway.yaml; empty without it.')
#disable-next-line BCP318
output FRONT_DOOR_ID string = frontDoorEnabled ? frontDoor.outputs.frontDoorId : ''

@description('The URLs of the MCP servers.')
output MCP_URLS array = [for server in serverNames: '${functionApp.outputs.url}/${server}/mcp']
