package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
)

// bench is one run with the processes that serve it.
type bench struct {
	options
	root      string // folder of this module
	dir       string // for snapshots; removed at the end
	processes []*peer.Process
	// measuredCPU is that of the processes which are measured, alone; empty: they
	// have none of their own.
	measuredCPU string
}

// separate keeps one CPU for the processes that are measured, until the function is
// called: what else ran there would leave them cold caches, and differently so in
// each round. On a machine with one CPU, and on one that does not tell, it does
// nothing.
func (b *bench) separate() (restore func(), err error) {
	all, err := cpus()
	if err != nil || len(all) < 2 {
		return func() {}, err
	}
	last := len(all) - 1
	b.measuredCPU = strconv.Itoa(all[last])
	return func() { b.measuredCPU = ""; _ = stayOn(all) }, stayOn(all[:last])
}

// cpuVariable names the CPU that a process keeps to; empty: those of who started it.
const cpuVariable = "TOOLGATE_BENCH_CPU"

// stayOnOwnCPU keeps a process to the CPU that it was started for.
func stayOnOwnCPU() error {
	own, err := strconv.Atoi(cmp.Or(os.Getenv(cpuVariable), "-1"))
	if err != nil || own < 0 {
		return err
	}
	return stayOn([]int{own})
}

// moduleRoot finds the folder of this module, whose example's API is measured.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	path := strings.TrimSpace(string(out))
	if content, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(content, []byte("module toolgate\n")) {
		return "", errors.New("finding the module: run this inside the repository, go run ./tests/bench")
	}
	return filepath.Dir(path), nil
}

// serving is a process that serves a role.
type serving struct {
	url     string
	control string
}

var listening = regexp.MustCompile(`(?m)^listening on (\S+ \S+)$`)

// start starts a process of this same program in a role, for those that are measured.
func (b *bench) start(ctx context.Context, role, argument string) (serving, error) {
	return b.startOn(ctx, "", role, argument)
}

// startOn is start for a process that keeps to a CPU.
func (b *bench) startOn(ctx context.Context, cpu, role, argument string) (serving, error) {
	self, err := os.Executable()
	if err != nil {
		return serving{}, fmt.Errorf("starting %s: %w", role, err)
	}
	p, err := peer.Start(peer.Command{
		Path: self, Args: []string{roleArgument, role, argument}, Ready: listening,
		Env: []string{"GOMAXPROCS=1", "GOGC=", "GOMEMLIMIT=", cpuVariable + "=" + cpu},
	})
	if err != nil {
		return serving{}, err
	}
	b.processes = append(b.processes, p)
	urls, err := p.AwaitReady(ctx)
	if err != nil {
		return serving{}, err
	}
	url, control, _ := strings.Cut(urls, " ")
	return serving{url: url, control: control}, nil
}

func (b *bench) stop() {
	for _, p := range b.processes {
		p.Stop()
	}
}

// usage reads what the process has used so far.
func (s serving) usage(ctx context.Context) (usage, error) {
	var u usage
	body, err := s.ask(ctx, "/usage")
	if err == nil {
		err = json.Unmarshal(body, &u)
	}
	if err != nil {
		return u, fmt.Errorf("reading what a process has used: %w", err)
	}
	return u, nil
}

func (s serving) ask(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.control+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, body)
	}
	return body, err
}
