package hosts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// functionApp is what the Functions host reads in the folder of an app.
type functionApp struct {
	executable string
	prefix     string // of routes, without slashes
	functions  []function
}

// function is one function of an app.
type function struct {
	name     string
	route    []string // segments of the route; nil: it is no HTTP trigger
	methods  []string
	level    string // anonymous, function or admin
	schedule string // of a timer; empty: it is none
	proxied  bool   // HTTP in, HTTP out and nothing else
}

type hostFile struct {
	Version       string `json:"version"`
	CustomHandler struct {
		Description struct {
			DefaultExecutablePath string `json:"defaultExecutablePath"`
		} `json:"description"`
		EnableProxyingHTTPRequest   bool `json:"enableProxyingHttpRequest"`
		EnableForwardingHTTPRequest bool `json:"enableForwardingHttpRequest"`
		HTTP                        struct {
			Routes []struct {
				Route string `json:"route"`
			} `json:"routes"`
		} `json:"http"`
	} `json:"customHandler"`
	ConfigurationProfile string `json:"configurationProfile"`
	Extensions           struct {
		HTTP struct {
			RoutePrefix *string `json:"routePrefix"`
		} `json:"http"`
	} `json:"extensions"`
}

type functionFile struct {
	Bindings []struct {
		Type      string   `json:"type"`
		Direction string   `json:"direction"`
		Name      string   `json:"name"`
		Route     string   `json:"route"`
		AuthLevel string   `json:"authLevel"`
		Schedule  string   `json:"schedule"`
		Methods   []string `json:"methods"`
	} `json:"bindings"`
}

// readApp reads a folder as the Functions host does, and refuses what it refuses.
func readApp(dir string) (*functionApp, error) {
	var h hostFile
	if err := readJSON(filepath.Join(dir, "host.json"), &h); err != nil {
		return nil, err
	}
	app := &functionApp{executable: h.CustomHandler.Description.DefaultExecutablePath, prefix: "api"}
	if p := h.Extensions.HTTP.RoutePrefix; p != nil {
		app.prefix = strings.Trim(*p, "/")
	}
	files, err := fs.Glob(os.DirFS(dir), "*/function.json")
	if err != nil {
		return nil, err
	}
	routes := len(h.CustomHandler.HTTP.Routes) > 0 || h.ConfigurationProfile != "" && h.ConfigurationProfile != "default"
	switch {
	case h.Version != "2.0":
		return nil, fmt.Errorf("host.json: the version is %q, want 2.0", h.Version)
	case app.executable == "":
		return nil, errors.New("host.json: customHandler.description.defaultExecutablePath is missing")
	case routes && len(files) > 0:
		return nil, errors.New("InvalidOperationException: host.json has routes of a custom handler, and there is a function.json")
	case !h.CustomHandler.EnableProxyingHTTPRequest:
		return nil, errors.New("host.json: this stand-in knows enableProxyingHttpRequest alone")
	case len(files) == 0:
		return nil, errors.New("no job functions found")
	}
	for _, file := range files {
		f, err := readFunction(dir, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		app.functions = append(app.functions, *f)
	}
	return app, nil
}

func readFunction(dir, file string) (*function, error) {
	var content functionFile
	if err := readJSON(filepath.Join(dir, file), &content); err != nil {
		return nil, err
	}
	f := &function{name: filepath.Dir(file)}
	triggers, out := 0, 0
	for _, b := range content.Bindings {
		if b.Name == "" || b.Direction != "in" && b.Direction != "out" {
			return nil, fmt.Errorf("a binding has the name %q and the direction %q", b.Name, b.Direction)
		}
		switch b.Type {
		case "httpTrigger":
			triggers++
			f.methods, f.level = b.Methods, b.AuthLevel
			if !slices.Contains([]string{"anonymous", "function", "admin"}, strings.ToLower(b.AuthLevel)) {
				return nil, fmt.Errorf("the authLevel is %q", b.AuthLevel)
			}
			if f.route = strings.Split(b.Route, "/"); b.Route == "" {
				f.route = []string{f.name}
			}
		case "timerTrigger":
			triggers++
			f.schedule = b.Schedule
			if len(strings.Fields(b.Schedule)) != 6 {
				return nil, fmt.Errorf("the schedule %q has not six fields", b.Schedule)
			}
		case "http":
			out++
		default:
			return nil, fmt.Errorf("this stand-in knows no binding %q", b.Type)
		}
	}
	if triggers != 1 {
		return nil, fmt.Errorf("there are %d triggers", triggers)
	}
	f.proxied = f.route != nil && out == 1 && len(content.Bindings) == 2
	return f, nil
}

func readJSON(path string, to any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, to); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// find finds the function of a request; nil where there is none.
func (a *functionApp) find(method, path string) *function {
	path = strings.Trim(path, "/")
	if a.prefix != "" {
		rest, ok := strings.CutPrefix(path, a.prefix)
		if !ok || rest != "" && rest[0] != '/' {
			return nil
		}
		path = strings.Trim(rest, "/")
	}
	for i := range a.functions {
		f := &a.functions[i]
		allowed := f.methods == nil || slices.ContainsFunc(f.methods, func(m string) bool { return strings.EqualFold(m, method) })
		if f.route != nil && allowed && matches(f.route, strings.Split(path, "/")) {
			return f
		}
	}
	return nil
}

// matches matches the segments of a route, of which {name} is any one, and {*name} all
// the rest.
func matches(route, path []string) bool {
	for i, segment := range route {
		switch {
		case strings.HasPrefix(segment, "{*"):
			return true
		case i >= len(path):
			return false
		case strings.HasPrefix(segment, "{"):
			if path[i] == "" {
				return false
			}
		case !strings.EqualFold(segment, path[i]):
			return false
		}
	}
	return len(route) == len(path)
}
