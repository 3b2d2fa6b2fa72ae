// The MCP servers of the gateway in the inventory of an API Center that is there.

@description('The name of the API Center.')
param apiCenterName string

@description('The name of the environment in the inventory.')
param environmentName string

@description('The origin of the gateway.')
param gatewayUrl string

@description('The names of the servers.')
param servers array

// The kind of API that is an MCP server.
var kind = 'mcp'

resource center 'Microsoft.ApiCenter/services@2024-03-01' existing = {
  name: apiCenterName
}

resource workspace 'Microsoft.ApiCenter/services/workspaces@2024-03-01' existing = {
  parent: center
  name: 'default'
}

resource environmentOfGateway 'Microsoft.ApiCenter/services/workspaces/environments@2024-03-01' = {
  parent: workspace
  name: environmentName
  properties: {
    title: take(environmentName, 50)
    kind: 'production'
    description: 'MCP servers of the gateway at ${gatewayUrl}'
    server: {
      type: 'Azure compute service'
    }
  }
}

resource apis 'Microsoft.ApiCenter/services/workspaces/apis@2024-03-01' = [
  for server in servers: {
    parent: workspace
    name: '${environmentName}-${server}'
    properties: {
      title: take(server, 50)
      kind: kind
      summary: 'MCP server ${server} of ${environmentName}'
    }
  }
]

resource versions 'Microsoft.ApiCenter/services/workspaces/apis/versions@2024-03-01' = [
  for (server, i) in servers: {
    parent: apis[i]
    name: 'current'
    properties: {
      title: 'current'
      lifecycleStage: 'production'
    }
  }
]

resource definitions 'Microsoft.ApiCenter/services/workspaces/apis/versions/definitions@2024-03-01' = [
  for (server, i) in servers: {
    parent: versions[i]
    name: 'mcp'
    properties: {
      title: 'MCP'
      description: 'Streamable HTTP at ${gatewayUrl}/${server}/mcp'
    }
  }
]

resource deployments 'Microsoft.ApiCenter/services/workspaces/apis/deployments@2024-03-01' = [
  for (server, i) in servers: {
    parent: apis[i]
    name: 'gateway'
    dependsOn: [definitions[i]]
    properties: {
      title: 'gateway'
      state: 'active'
      environmentId: '/workspaces/default/environments/${environmentOfGateway.name}'
      definitionId: '/workspaces/default/apis/${environmentName}-${server}/versions/current/definitions/mcp'
      server: {
        runtimeUri: ['${gatewayUrl}/${server}/mcp']
      }
    }
  }
]
