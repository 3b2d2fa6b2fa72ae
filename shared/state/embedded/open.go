package embedded

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"toolgate/shared/state"
)

const form = "file:///PATH/state.db or file:state.db"

// Opener opens file: URLs: with a path from the root of the file system, or from
// the folder that the program was started in.
func Opener() state.Opener {
	return state.Opener{Scheme: "file", Form: form, Open: func(_ context.Context, u *url.URL) (state.Store, error) {
		path, err := pathOf(u)
		if err != nil {
			return nil, err
		}
		s, err := Open(path)
		if err != nil {
			return nil, err
		}
		return s, nil
	}}
}

// pathOf is the path of a file in the terms of this system.
func pathOf(u *url.URL) (string, error) {
	path := u.Path
	if u.Opaque != "" {
		var err error
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", fmt.Errorf("the path of the file is not escaped as in a URL; write %s: %w", form, state.ErrURL)
		}
	}
	if u.Host != "" && u.Host != "localhost" || u.RawQuery != "" || path == "" || strings.HasSuffix(path, "/") {
		return "", fmt.Errorf("it names no file on this machine; write %s: %w", form, state.ErrURL)
	}
	if len(path) >= 3 && path[0] == '/' && path[2] == ':' && filepath.VolumeName(path[1:]) != "" {
		path = path[1:] // file:///C:/state.db, on Windows
	}
	return filepath.FromSlash(path), nil
}
