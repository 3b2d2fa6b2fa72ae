package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"toolgate/shared/fault"

	"go.yaml.in/yaml/v4"
)

// fileNames are the names the file may have. Only one may be there.
var fileNames = []string{"gateway.yaml", "gateway.yml"}

// Load reads dir/gateway.yaml, or dir/gateway.yml, and checks every value of
// it. env gives the variables of the environment, as os.LookupEnv does; secrets
// are not read. The faults are nil when there is none.
//
// With faults the Config is what could be decoded, so that the files it names
// can be searched for faults as well; it must not be served. It is nil when
// nothing could be decoded.
func Load(dir string, env func(string) (string, bool)) (*Config, fault.Faults) {
	c, faults := loadAlone(dir, env)
	if c != nil {
		faults = append(faults, c.LoadCandidate(env)...)
	}
	return c, faults
}

// loadAlone is Load without the candidate.
func loadAlone(dir string, env func(string) (string, bool)) (*Config, fault.Faults) {
	name, data, faults := read(dir)
	if faults != nil {
		return nil, faults
	}
	return parse(dir, name, data, env, disk{})
}

// read returns the one gateway file of dir.
func read(dir string) (name string, data []byte, faults fault.Faults) {
	for _, candidate := range fileNames {
		text, err := readFile(filepath.Join(dir, candidate))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		at := fault.Position{File: candidate}
		if err != nil {
			return "", nil, one(at, fmt.Sprintf("the file cannot be read: %v", err), "make it a readable file")
		}
		if len(text) > maxFileBytes {
			return "", nil, one(at, fmt.Sprintf("the file is larger than %d MiB", maxFileBytes>>20), "use more than one gateway")
		}
		if name != "" {
			return "", nil, one(at, "the folder has "+name+" as well", "keep one of them")
		}
		name, data = candidate, text
	}
	if name == "" {
		return "", nil, one(fault.Position{File: fileNames[0]},
			fmt.Sprintf("the folder %q has no such file", dir), "create it, or name the folder that has it")
	}
	return name, data, nil
}

// one is a list of a single fault.
func one(at fault.Position, message, fix string) fault.Faults {
	return fault.Faults{{Position: at, Message: message, Fix: fix}}
}

// readFile reads at most one byte more than a file may have.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFileBytes+1))
}

// files are where the files are that a gateway file names.
type files interface {
	Stat(path string) (fs.FileInfo, error)
	ReadDir(path string) ([]fs.DirEntry, error)
	ReadFile(path string) ([]byte, error)
}

// disk has the files of the operating system.
type disk struct{}

func (disk) Stat(path string) (fs.FileInfo, error)      { return os.Stat(path) }
func (disk) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }
func (disk) ReadFile(path string) ([]byte, error)       { return readFile(path) }

// decoder decodes one file. Its methods report faults and go on.
type decoder struct {
	dir, file string
	env       func(string) (string, bool)
	disk      files
	faults    fault.Faults
	used      []string // the paths of the files that were named, each once

	namedValues     map[string]namedValue
	namedValueNames []string
	replaced        int // bytes that named values have inserted

	named map[*yaml.Node]string // how messages name the nodes met so far

	// declared are the names by their kind (backend, api, server, product), whether or not
	// the rest could be decoded; members are the servers that a federation can
	// have.
	declared map[string][]string
	members  []string
	// addressed are the backends that have a URL, be it a faulty one.
	addressed []string

	paths      map[string]string // the names of the APIs by their paths, in lower case
	inProducts map[member]bool   // what is in a product
	open       map[member]string // the names of the open products by what they have
	asks       map[member]*subscriptionAsk
}

// parse is Load for a file that has been read.
func parse(
	dir, name string, data []byte,
	env func(string) (string, bool), disk files,
) (*Config, fault.Faults) {
	d := &decoder{
		dir: dir, file: name, env: env, disk: disk,
		namedValues: map[string]namedValue{}, named: map[*yaml.Node]string{},
		declared: map[string][]string{}, paths: map[string]string{},
		inProducts: map[member]bool{}, open: map[member]string{}, asks: map[member]*subscriptionAsk{},
	}
	root := d.document(data)
	if root == nil {
		return nil, d.faults.Sorted()
	}
	c := d.gateway(value{node: root, at: d.at(root.Line, root.Column), key: d.at(1, 1)})
	return c, d.faults.Sorted()
}

// at is a place in the file.
func (d *decoder) at(line, column int) fault.Position {
	return fault.Position{File: d.file, Line: line, Column: column}
}

// fault reports that something is wrong at a place, and how to mend it.
func (d *decoder) fault(at fault.Position, fix, format string, args ...any) {
	d.faults = append(d.faults, fault.Fault{Position: at, Message: fmt.Sprintf(format, args...), Fix: fix})
}
