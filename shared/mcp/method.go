package mcp

// Methods of the protocol.
const (
	MethodInitialize             = "initialize"
	MethodPing                   = "ping"
	MethodSetLevel               = "logging/setLevel"
	MethodSubscribe              = "resources/subscribe"
	MethodUnsubscribe            = "resources/unsubscribe"
	MethodDiscover               = "server/discover"
	MethodListen                 = "subscriptions/listen"
	MethodListTools              = "tools/list"
	MethodCallTool               = "tools/call"
	MethodListPrompts            = "prompts/list"
	MethodGetPrompt              = "prompts/get"
	MethodListResources          = "resources/list"
	MethodListResourceTemplates  = "resources/templates/list"
	MethodReadResource           = "resources/read"
	MethodComplete               = "completion/complete"
	MethodGetTask                = "tasks/get"
	MethodUpdateTask             = "tasks/update"
	MethodCancelTask             = "tasks/cancel"
	NotificationInitialized      = "notifications/initialized"
	NotificationCancelled        = "notifications/cancelled"
	NotificationProgress         = "notifications/progress"
	NotificationMessage          = "notifications/message"
	NotificationRootsListChanged = "notifications/roots/list_changed"
	NotificationAcknowledged     = "notifications/subscriptions/acknowledged"
)

// method is one row of the table of methods: what the envelope and the checks
// need to know of it. A method that is not in the table is passed on by name.
type method struct {
	name string
	// named is the member of params that Mcp-Name repeats; empty for none.
	named string
	// list is the member of the result that holds the items of a list.
	list string
	// cached methods carry ttlMs and cacheScope in their results.
	cached bool
	// legacyOnly methods were removed by 2026-07-28, modernOnly came with it.
	legacyOnly, modernOnly bool
}

var methods = map[string]*method{}

func init() {
	for _, m := range []method{
		{name: MethodInitialize, legacyOnly: true},
		{name: MethodPing, legacyOnly: true},
		{name: MethodSetLevel, legacyOnly: true},
		{name: MethodSubscribe, legacyOnly: true},
		{name: MethodUnsubscribe, legacyOnly: true},
		{name: MethodDiscover, modernOnly: true, cached: true},
		{name: MethodListen, modernOnly: true},
		{name: MethodListTools, list: "tools", cached: true},
		{name: MethodCallTool, named: "name"},
		{name: MethodListPrompts, list: "prompts", cached: true},
		{name: MethodGetPrompt, named: "name"},
		{name: MethodListResources, list: "resources", cached: true},
		{name: MethodListResourceTemplates, list: "resourceTemplates", cached: true},
		{name: MethodReadResource, named: "uri", cached: true},
		{name: MethodComplete},
		{name: MethodGetTask, named: "taskId"},
		{name: MethodUpdateTask, named: "taskId"},
		{name: MethodCancelTask, named: "taskId"},
		{name: NotificationInitialized, legacyOnly: true},
		{name: NotificationCancelled},
		{name: NotificationProgress},
		{name: NotificationRootsListChanged, legacyOnly: true},
	} {
		methods[m.name] = &m
	}
}

// ListMember is the member of a list method's result that holds the items, for
// example "tools"; empty for any other method.
func ListMember(name string) string {
	if m := methods[name]; m != nil {
		return m.list
	}
	return ""
}

// Cached reports whether results of the method carry ttlMs and cacheScope
// (2026-07-28, server/utilities/caching).
func Cached(name string) bool {
	m := methods[name]
	return m != nil && m.cached
}

// Served reports whether a method exists in revision v. Methods that are not in
// the protocol, such as those of extensions, exist in all.
func Served(name string, v Version) bool {
	m := methods[name]
	return m == nil || !(v.Modern() && m.legacyOnly) && !(!v.Modern() && m.modernOnly)
}
