// The vault for the gateway's secrets, and the first of them: the sealing key.

@description('The name of the vault: 3 to 24 letters, digits and hyphens.')
@minLength(3)
@maxLength(24)
param name string

@description('The Azure region.')
param location string

@description('The tags of the resource.')
param tags object

@description('Whether the vault is reached through a private endpoint only.')
param private bool

@description('Whether a deleted vault stays recoverable for 90 days, whatever its owner wants. This cannot be taken back.')
param purgeProtection bool

@description('The storage account of the gateway.')
param storageAccountName string

@description('The object id of the identity of the gateway.')
param principalId string

@description('The object id of who deploys, and may set secrets; empty for nobody.')
param deployerId string

@description('What the deployer is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param deployerType string

// Key Vault Secrets User.
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

// Key Vault Secrets Officer.
var secretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: private ? 'Deny' : 'Allow'
    }
  }
}

// A template cannot make a random value that stays the same. The platform made one:
// the second key of the storage account, 64 random bytes that open nothing, because
// the account takes no keys. A new second key is a new sealing key after the next
// deployment.
resource sealingKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'sealing-key'
  tags: tags
  properties: {
    contentType: 'The key from which the gateway derives the keys that seal what clients carry.'
    value: account.listKeys().keys[1].value
  }
}

resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, secretsUser)
  scope: vault
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

resource deployerSetsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerId)) {
  name: guid(vault.id, deployerId, secretsOfficer)
  scope: vault
  properties: {
    principalId: deployerId
    principalType: deployerType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsOfficer)
  }
}

@description('The resource id of the vault.')
output id string = vault.id

@description('The name of the vault.')
output name string = vault.name

@description('The URL of the vault, which ends with a slash.')
output uri string = vault.properties.vaultUri

@description('The URL of the sealing key, without a version.')
output sealingKeyUri string = '${vault.properties.vaultUri}secrets/${sealingKey.name}'
