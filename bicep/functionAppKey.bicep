// A key of a Function App that is a backend of the gateway, as a secret of the vault.
// The key is read by the deployment, and stands in no parameter and no output.

@description('The vault of the gateway.')
param vaultName string

@description('The app setting that refers to the key.')
param setting string

@description('The resource id of the Function App.')
param functionAppId string

@description('functionKeys for keys of the host, systemKeys for those of extensions.')
@allowed(['functionKeys', 'systemKeys'])
param keyType string

@description('The name of the key: "default", or "mcp_extension" for the MCP extension.')
param keyName string

@description('The tags of the secret.')
param tags object

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: toLower(replace(setting, '_', '-'))
  tags: tags
  properties: {
    contentType: 'Key ${keyName} of ${functionAppId}'
    value: listKeys('${functionAppId}/host/default', '2024-11-01')[keyType][keyName]
  }
}

@description('The URL of the secret, without a version.')
output secretUri string = '${vault.properties.vaultUri}secrets/${secret.name}'
