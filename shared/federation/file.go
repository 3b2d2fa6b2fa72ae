package federation

import (
	"context"
	"errors"
	"strings"
)

// File gives the token that the platform keeps in a file and renews there, as
// Kubernetes does (AZURE_FEDERATED_TOKEN_FILE).
type File struct {
	// Read reads the file.
	Read func() ([]byte, error)
}

// maxToken bounds a token, in bytes.
const maxToken = 64 << 10

// Token returns what is in the file now. Whom it is for was decided by who wrote it.
func (f File) Token(context.Context, string) (string, error) {
	content, err := f.Read()
	if err != nil {
		return "", errors.New("AZURE_FEDERATED_TOKEN_FILE cannot be read")
	}
	token := strings.TrimSpace(string(content))
	if !sendable(token) {
		return "", errors.New("AZURE_FEDERATED_TOKEN_FILE holds no token")
	}
	return token, nil
}

// sendable tells whether a text can be a token.
func sendable(token string) bool {
	return token != "" && len(token) <= maxToken && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
