package host

// AzureResource says where the process runs, as attributes of an OpenTelemetry
// resource (semantic conventions, cloud and FaaS), by the environment of Azure
// Functions.
func AzureResource(get func(name string) string) map[string]string {
	return map[string]string{
		"cloud.provider": "azure", "cloud.platform": "azure.functions", "cloud.region": get("REGION_NAME"),
		"faas.name": get("WEBSITE_SITE_NAME"), "faas.instance": get("WEBSITE_INSTANCE_ID"),
	}
}
