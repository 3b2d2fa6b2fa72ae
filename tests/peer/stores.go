package peer

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// storeServer is a server of table storage, an npm package. It is started once for
// each test process, because Azurite takes seconds to start, and ends with it.
type storeServer struct {
	script []string // path of its script in node_modules
	args   []string

	once    sync.Once
	address string
	err     error
}

var (
	azurite = storeServer{
		script: []string{"azurite", "dist", "src", "table", "main.js"},
		args:   []string{"--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"},
	}
	dynalite = storeServer{
		script: []string{"dynalite", "cli.js"},
		args:   []string{"--createTableMs", "0", "--deleteTableMs", "0"},
	}
)

// Azurite returns the address (host:port) of an Azurite that serves tables. Tests
// of one process share it, so each takes a table of its own.
func Azurite(t testing.TB) string { return azurite.start(t) }

// Dynalite returns the address (host:port) of a dynalite, which speaks DynamoDB's
// protocol. Tests of one process share it, so each takes a table of its own.
func Dynalite(t testing.TB) string { return dynalite.start(t) }

func (s *storeServer) start(t testing.TB) string {
	t.Helper()
	dir, node := NPM(t), Node(t)
	s.once.Do(func() {
		var p *Process
		// The module in front makes it listen on loopback, at a free port, and say
		// which, whatever port it is made for.
		args := append([]string{"--import", "./loopback.mjs", filepath.Join(append([]string{"node_modules"}, s.script...)...)}, s.args...)
		if p, s.err = Start(Command{Path: node, Args: args, Dir: dir, Ready: listening}); s.err != nil {
			return
		}
		var url string
		if url, s.err = p.AwaitReady(t.Context()); s.err != nil {
			p.Stop()
			return
		}
		s.address = strings.TrimPrefix(url, "http://")
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.address
}
