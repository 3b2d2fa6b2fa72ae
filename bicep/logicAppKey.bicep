// The signature that calls a workflow of Logic Apps, as a secret of the vault. It is
// read by the deployment, and stands in no parameter and no output.

@description('The vault of the gateway.')
param vaultName string

@description('The app setting that refers to the signature.')
param setting string

@description('The resource id: of the workflow in Logic Apps Consumption, of the app in Logic Apps Standard.')
param logicAppId string

@description('The workflow of Logic Apps Standard; empty for Consumption.')
param workflow string

@description('The name of the request trigger.')
param trigger string

@description('The tags of the secret.')
param tags object

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

var standard = '${logicAppId}/hostruntime/runtime/webhooks/workflow/api/management/workflows/${workflow}/triggers/${trigger}'

resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: toLower(replace(setting, '_', '-'))
  tags: tags
  properties: {
    contentType: 'Signature of trigger ${trigger} of ${logicAppId}'
    value: empty(workflow)
      ? listCallbackUrl('${logicAppId}/triggers/${trigger}', '2019-05-01').queries.sig
      : listCallbackUrl(standard, '2024-11-01').queries.sig
  }
}

@description('The URL of the secret, without a version.')
output secretUri string = '${vault.properties.vaultUri}secrets/${secret.name}'
