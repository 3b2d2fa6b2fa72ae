// The virtual network: one subnet from which the app calls, one for the private
// endpoints of what it calls.

@description('The name of the network.')
param name string

@description('The Azure region.')
param location string

@description('The tags of the resource.')
param tags object

@description('The addresses of the network, at least 512 of them. The app takes the first 256.')
param addressPrefix string

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefix]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          delegations: [
            {
              name: 'flexConsumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

@description('The resource id of the network.')
output id string = network.id

@description('The resource id of the subnet of the app.')
output appSubnetId string = '${network.id}/subnets/app'

@description('The resource id of the subnet of the private endpoints.')
output endpointSubnetId string = '${network.id}/subnets/endpoints'
