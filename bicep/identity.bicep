// The identity that the gateway has. It is made before the app, so that its roles
// are there when the app starts for the first time.

@description('The name of the identity.')
param name string

@description('The Azure region.')
param location string

@description('The tags of the resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

@description('The resource id.')
output id string = identity.id

@description('The client id, by which the app asks for tokens.')
output clientId string = identity.properties.clientId

@description('The object id, to which roles are assigned.')
output principalId string = identity.properties.principalId
