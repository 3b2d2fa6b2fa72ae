package peer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"toolgate/tests/peer"
)

// The test program plays the peers of these tests itself: it does what this
// variable says.
const roleVariable = "TOOLGATE_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv("TOOLGATE_TEST_SUPERVISE") == "" {
		play(os.Getenv(roleVariable))
	}
	peer.Main(m)
}

// play plays a role and does not return, unless there is none.
func play(role string) {
	name, argument, _ := strings.Cut(role, " ")
	switch name {
	case "":
		return
	case "serve": // says so and stays
		fmt.Println("starting")
		fmt.Println("listening on http://127.0.0.1:1")
		select {}
	case "fail":
		fmt.Fprintln(os.Stderr, "no such folder")
		os.Exit(3)
	case "connect": // stays connected to an address
		conn, err := net.Dial("tcp", argument)
		if err != nil {
			os.Exit(4)
		}
		fmt.Println("listening on " + argument)
		_, _ = io.Copy(io.Discard, conn)
		select {}
	case "abandon": // starts a program, does not stop it, and crashes
		peer.Supervise()
		p, err := start("connect " + argument)
		if err != nil {
			panic(err)
		}
		_, err = p.AwaitReady(context.Background())
		panic(fmt.Sprintf("ready: %v", err == nil))
	}
	os.Exit(5)
}

func start(role string) (*peer.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return peer.Start(peer.Command{
		Path:  self,
		Env:   []string{roleVariable + "=" + role},
		Ready: regexp.MustCompile(`(?m)^listening on (\S+)$`),
	})
}

func TestAwaitReady(t *testing.T) {
	p, err := start("serve")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	got, err := p.AwaitReady(t.Context())
	if want := "http://127.0.0.1:1"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	p.Stop()
	p.Stop()
	if !strings.HasPrefix(p.Log(), "starting\nlistening") {
		t.Errorf("log: got %q", p.Log())
	}
}

func TestAwaitReadyOfProgramThatEnds(t *testing.T) {
	p, err := start("fail")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	_, err = p.AwaitReady(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit code 3") || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("got %v, want the exit code and the output", err)
	}
}

func TestStartWithoutProgram(t *testing.T) {
	if _, err := peer.Start(peer.Command{Path: "no-such-program-here"}); err == nil {
		t.Error("got no error")
	}
}

func TestRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := peer.Run(t, peer.Command{Path: self, Env: []string{roleVariable + "=fail"}})
	if string(out.Stdout) != "" || string(out.Stderr) != "no such folder\n" || out.ExitCode != 3 {
		t.Errorf("got %q, %q, %d", out.Stdout, out.Stderr, out.ExitCode)
	}
}

// A program ends when the process that started it does, even if that one
// crashes.
func TestProgramEndsWithItsStarter(t *testing.T) {
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := start("abandon " + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	<-p.Ended()
	if p.ExitCode() != 2 {
		t.Errorf("exit code: got %d, want 2, a panic's\n%s", p.ExitCode(), p.Log())
	}
	// The program connected before its starter crashed, so no waiting here.
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading from the program: got %v, want its end", err)
	}
}
