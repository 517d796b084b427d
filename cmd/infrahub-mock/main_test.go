package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// output is written by the program and read by the test.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(content []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(content)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

func TestRun_ServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	var out output
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-token", "abc", "-delay", "none"}, &out, io.Discard)
	}()
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(out.String(), "api_token"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("says only %q", out.String())
		}
	}
	_, rest, _ := strings.Cut(out.String(), "export INFRAHUB_ADDRESS=")
	address, _, _ := strings.Cut(rest, "\n")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/api/info", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("got %d, %v", response.StatusCode, err)
	}
	if !strings.Contains(out.String(), `api_token = "abc"`) {
		t.Errorf("does not say how to point a provider at it: %s", out.String())
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestRun_Refused(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	for _, test := range []struct {
		name      string
		arguments []string
		want      string
	}{
		{"unknown flag", []string{"-nope"}, "flag provided but not defined: -nope"},
		{"unknown delay", []string{"-delay", "slow"}, `"slow" is no delay`},
		{"argument", []string{"x"}, `unexpected argument "x"`},
		{"port in use", []string{"-listen", listener.Addr().String()}, "address already in use"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), test.arguments, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want a line with %q", err, test.want)
			}
		})
	}
}
