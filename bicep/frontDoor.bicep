// Azure Front Door: the profile and the endpoint. They come before the app, which
// lets in this profile only; frontDoorRoute.bicep leads to the app.

@description('The name of the profile.')
param profileName string

@description('The name of the endpoint, which begins its host name.')
param endpointName string

@description('The tags of the resources.')
param tags object

@description('The tier. Premium has managed rules in its firewall.')
@allowed(['Standard_AzureFrontDoor', 'Premium_AzureFrontDoor'])
param sku string

resource profile 'Microsoft.Cdn/profiles@2024-02-01' = {
  name: profileName
  location: 'global'
  tags: tags
  sku: {
    name: sku
  }
  properties: {
    // Seconds, and the most there are: a tool may take its time.
    originResponseTimeoutSeconds: 240
  }
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2024-02-01' = {
  parent: profile
  name: endpointName
  location: 'global'
  tags: tags
  properties: {
    enabledState: 'Enabled'
  }
}

@description('The name of the profile.')
output profileName string = profile.name

@description('The name of the endpoint.')
output endpointName string = endpoint.name

@description('The id that Front Door writes into X-Azure-FDID.')
output frontDoorId string = profile.properties.frontDoorId

@description('The host name of the endpoint.')
output hostName string = endpoint.properties.hostName
