package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/mcp"
	"toolgate/tests/internal/rpc"

	"github.com/go-json-experiment/json"
)

// coldStart is one row of the report: from the start of the process that runs
// on Azure Functions to its first answer, and the memory it then takes.
type coldStart struct {
	Catalogue string `json:"catalogue"`
	Tools     int    `json:"tools"`
	// Median and Fastest are until tools/list was answered, in milliseconds.
	Median  float64 `json:"medianMilliseconds"`
	Fastest float64 `json:"fastestMilliseconds"`
	// AfterList and AfterCalls are the resident set after the first tools/list,
	// the largest of all starts, and after 200 calls of tools, in MiB; 0 where
	// the system does not tell.
	AfterList  float64 `json:"residentAfterListMiB"`
	AfterCalls float64 `json:"residentAfterCallsMiB"`
	// BoundTime and BoundMemory are expected at most, of Median and AfterCalls.
	BoundTime   float64 `json:"boundMilliseconds"`
	BoundMemory float64 `json:"boundMiB"`
}

func (c coldStart) over() bool { return c.Median > c.BoundTime || c.AfterCalls > c.BoundMemory }

// calledTools is the number of calls after which memory is read once more.
const calledTools = 200

// measureStarts builds the program for Azure Functions and starts it with each
// catalogue.
func (b *bench) measureStarts(ctx context.Context) ([]coldStart, error) {
	program := filepath.Join(b.dir, "azure.exe")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./functions/azure")
	build.Dir, build.Env = b.root, append(os.Environ(), "CGO_ENABLED=0") // as it is deployed
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building functions/azure: %w\n%s", err, out)
	}
	api, err := b.start(ctx, roleEcho, "")
	if err != nil {
		return nil, err
	}
	small, err := document(50)
	if err != nil {
		return nil, err
	}
	large, name, err := largeDocument()
	if err != nil {
		return nil, err
	}
	rows := []coldStart{
		{Catalogue: "synthetic", BoundTime: 50, BoundMemory: 25},
		{Catalogue: name, BoundTime: 50, BoundMemory: 64},
	}
	for i, content := range [][]byte{small, large} {
		file, err := b.catalogueSnapshot(ctx, strconv.Itoa(i), content, api.url)
		if err != nil {
			return nil, err
		}
		if err := rows[i].measure(ctx, b.options.starts, program, file); err != nil {
			return nil, fmt.Errorf("starting with %d tools: %w", rows[i].Tools, err)
		}
	}
	return rows, nil
}

// largeDocument is GitHub's API where the public documents are at hand, and
// otherwise a made one of as many operations.
func largeDocument() (content []byte, name string, err error) {
	if dir := os.Getenv("TOOLGATE_SPECS"); dir != "" {
		content, err = os.ReadFile(filepath.Join(dir, "github.json"))
		return content, "github.json", err
	}
	content, err = document(1223)
	return content, "synthetic", err
}

// catalogueSnapshot compiles a folder that publishes every operation of a
// document, with all requests going to one backend of this machine.
func (b *bench) catalogueSnapshot(ctx context.Context, name string, content []byte, backend string) (string, error) {
	yaml := fmt.Sprintf("name: contoso\nbackends:\n  api: { url: %q }\napis:\n  api: { openapi: api.json, backend: api }\n"+
		"servers:\n  api: { api: api, acceptLossy: true }\n", backend)
	return b.compile(ctx, name, map[string]string{"api.json": string(content), "gateway.yaml": yaml})
}

// measure starts the program again and again.
func (c *coldStart) measure(ctx context.Context, starts int, program, file string) error {
	var times []time.Duration
	for i := range starts {
		p, err := startFunction(ctx, program, file)
		if err != nil {
			return err
		}
		page, elapsed, err := p.firstList(ctx)
		if err == nil {
			times = append(times, elapsed)
			c.AfterList = max(c.AfterList, p.resident())
		}
		if err == nil && i == starts-1 {
			err = c.callTools(ctx, p, page)
		}
		p.stop()
		if err != nil {
			return err
		}
	}
	slices.Sort(times)
	c.Fastest, c.Median = milliseconds(times[0]), milliseconds(times[len(times)/2])
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// callTools calls tools from all over the catalogue, and notes how many there
// are and the memory afterwards.
func (c *coldStart) callTools(ctx context.Context, p *function, page toolPage) error {
	names := page.names()
	for cursor := page.Result.NextCursor; cursor != ""; {
		next, err := p.list(ctx, `{"cursor":`+strconv.Quote(cursor)+`}`)
		if err != nil {
			return err
		}
		names, cursor = append(names, next.names()...), next.Result.NextCursor
	}
	c.Tools = len(names)
	for i := range calledTools {
		name := names[i*len(names)/calledTools]
		body, err := p.post(ctx, mcp.MethodCallTool, `{"name":`+strconv.Quote(name)+`,"arguments":{}}`)
		if err != nil {
			return err
		}
		if !bytes.Contains(body, []byte(`"content"`)) {
			return fmt.Errorf("calling %s: got %s", name, body)
		}
	}
	c.AfterCalls = p.resident()
	return nil
}

// function is a running program as the Azure Functions host starts it.
type function struct {
	cmd   *exec.Cmd
	began time.Time
	url   string
	ended chan struct{}
}

func startFunction(ctx context.Context, program, file string) (*function, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, fmt.Errorf("finding a free port: %w", err)
	}
	_, port, _ := net.SplitHostPort(address)
	f := &function{cmd: exec.CommandContext(ctx, program), url: "http://" + address + "/api/mcp", ended: make(chan struct{})}
	f.cmd.Env = append(os.Environ(), "FUNCTIONS_CUSTOMHANDLER_PORT="+port, "TOOLGATE_SNAPSHOT="+file)
	f.began = time.Now()
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	go func() {
		_ = f.cmd.Wait() // it is killed at the end
		close(f.ended)
	}()
	return f, nil
}

func (f *function) stop() {
	_ = f.cmd.Process.Kill() // an error means that it has ended
	<-f.ended
}

// startTimeout is how long the first answer may take at most.
const startTimeout = 30 * time.Second

// firstList asks for the tools as soon as the program listens and returns the
// time since its start.
func (f *function) firstList(ctx context.Context) (toolPage, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		page, err := f.list(ctx, "{}")
		if err == nil {
			return page, time.Since(f.began), nil
		}
		select {
		case <-f.ended:
			return page, 0, fmt.Errorf("the program ended with %s", f.cmd.ProcessState)
		case <-ctx.Done():
			return page, 0, fmt.Errorf("waiting for the first answer: %w", err)
		case <-time.After(200 * time.Microsecond):
		}
	}
}

// toolPage is as much of an answer to tools/list as is needed here.
type toolPage struct {
	Result struct {
		Tools []struct {
			Name string `json:"name"`
		} `json:"tools"`
		NextCursor string `json:"nextCursor"`
	} `json:"result"`
}

func (p *toolPage) names() []string {
	var names []string
	for _, t := range p.Result.Tools {
		names = append(names, t.Name)
	}
	return names
}

// list asks for a page of tools. Decoding it is part of what a client waits
// for, but not of what the program does.
func (f *function) list(ctx context.Context, params string) (page toolPage, err error) {
	body, err := f.post(ctx, mcp.MethodListTools, params)
	if err != nil {
		return page, err
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return page, fmt.Errorf("reading tools/list: %w", err)
	}
	if len(page.Result.Tools) == 0 {
		return page, fmt.Errorf("tools/list is empty: %s", body)
	}
	return page, nil
}

func (f *function) post(ctx context.Context, method, params string) ([]byte, error) {
	r := rpc.New(mcp.Latest, "1", method, params)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, strings.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	req.Header = r.Header
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: got %s: %s", method, res.Status, body)
	}
	return body, err
}

// resident is the resident set of the process in MiB; 0 where there is no
// /proc.
func (f *function) resident() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}
