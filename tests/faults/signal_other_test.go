//go:build !unix

package faults_test

import (
	"errors"
	"testing"
)

// needSignals skips a test where a process cannot be frozen.
func needSignals(t testing.TB) {
	t.Helper()
	t.Skip("processes are killed and frozen by the signals of Unix")
}

func kill(int) error   { return errors.ErrUnsupported }
func freeze(int) error { return errors.ErrUnsupported }
func thaw(int) error   { return errors.ErrUnsupported }
