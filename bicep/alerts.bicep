// Alerts on the gateway's log. Without an address they only show in the portal.

@description('The beginning of the names.')
param name string

@description('The Azure region.')
param location string

@description('The tags of the resources.')
param tags object

@description('The resource id of the workspace of Log Analytics.')
param workspaceId string

@description('The address that gets mail; empty for nobody.')
param email string

@description('Failed calls in 15 minutes beyond which there is an alert.')
param failures int

@description('The percentage of calls that fail, in 15 minutes, beyond which there is an alert.')
param failurePercent int

@description('Calls refused by limits in 15 minutes beyond which there is an alert.')
param throttles int

@description('Milliseconds of the 95th percentile beyond which there is an alert.')
param milliseconds int

// A line of the log is a JSON object, and the message of a trace.
var lines = 'AppTraces | where Message startswith \'{\' | extend line = parse_json(Message)'
var calls = '${lines} | where tostring(line.msg) == \'call\''

var alerts = [
  {
    name: 'failures'
    title: 'Calls fail'
    description: 'More than ${failures} calls were answered with a status of 500 or more within 15 minutes.'
    severity: 1
    query: '${calls} | where toint(line.status) >= 500'
    threshold: failures
  }
  {
    name: 'rate'
    title: 'Many calls fail'
    description: 'More than ${failurePercent} % of the calls within 15 minutes failed, of at least 20 calls: with a status of 500 or more, or as a result with isError.'
    severity: 2
    query: '${calls} | summarize calls = count(), failed = countif(toint(line.status) >= 500 or tobool(line.isError)) | where calls >= 20 and failed * 100 > calls * ${failurePercent}'
    threshold: 0
  }
  {
    name: 'throttling'
    title: 'Limits refuse calls'
    description: 'Limits and quotas refused more than ${throttles} calls within 15 minutes, with the status 429.'
    severity: 3
    query: '${calls} | where toint(line.status) == 429'
    threshold: throttles
  }
  {
    name: 'latency'
    title: 'Calls are slow'
    description: 'The 95th percentile of calls is above ${milliseconds} ms over 15 minutes, of at least 20 calls.'
    severity: 2
    query: '${calls} | summarize calls = count(), p95 = percentile(todouble(line.ms), 95) | where calls >= 20 and p95 > ${milliseconds}'
    threshold: 0
  }
  {
    name: 'store'
    title: 'The store does not answer'
    description: 'The gateway had warnings or errors about its store within 15 minutes: quotas refuse calls meanwhile, and rate limits let them pass.'
    severity: 1
    query: '${lines} | where tostring(line.level) in (\'WARN\', \'ERROR\') and (tostring(line.msg) startswith \'the store\' or tostring(line.msg) startswith \'subscription keys cannot be looked up\')'
    threshold: 0
  }
  {
    name: 'start'
    title: 'The gateway does not start'
    description: 'An instance ended before it served, such as for a configuration that does not load.'
    severity: 0
    query: '${lines} | where tostring(line.msg) == \'the gateway does not start\''
    threshold: 0
  }
]

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: '${name}-mail'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'toolgate'
    emailReceivers: [
      {
        name: 'mail'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: '${name}-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.title
      description: alert.description
      severity: alert.severity
      enabled: true
      autoMitigate: true
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      scopes: [workspaceId]
      // The table is there once the app has logged.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: alert.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: empty(email) ? [] : [mail.id]
      }
    }
  }
]
