package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
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

// running is the program while it serves.
type running struct {
	address string
	out     *output
	log     *output
	stop    func() int // and returns the exit code
}

func serve(t *testing.T, arguments ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := running{out: &output{}, log: &output{}}
	ended := make(chan int, 1)
	go func() {
		ended <- start(ctx, append([]string{"--listen", "127.0.0.1:0", "--delay", "none"}, arguments...), r.out, r.log)
	}()
	r.stop = sync.OnceValue(func() int { cancel(); return <-ended })
	t.Cleanup(func() { r.stop() })
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(r.out.String(), "api_token"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("says only %q %q", r.out, r.log)
		}
	}
	_, rest, _ := strings.Cut(r.out.String(), "export INFRAHUB_ADDRESS=")
	r.address, _, _ = strings.Cut(rest, "\n")
	return r
}

// ask sends a query to main and returns the status and the answer.
func (r running) ask(t *testing.T, query string) (int, string) {
	t.Helper()
	body := fmt.Sprintf(`{"query":%q}`, query)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.address+"/graphql/main", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-INFRAHUB-KEY", "abc")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStart_ServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	r := serve(t, "--token", "abc", "--log", "--version", "1.9.9")
	if status, answer := r.ask(t, "{InfrahubInfo{version}}"); status != http.StatusOK || answer != `{"data":{"InfrahubInfo":{"version":"1.9.9"}}}` {
		t.Errorf("got %d %s", status, answer)
	}
	if !strings.Contains(r.out.String(), `api_token = "abc"`) {
		t.Errorf("does not say how to point a provider at it: %s", r.out)
	}
	if code := r.stop(); code != 0 || !strings.HasSuffix(r.out.String(), "Stopping.\n") {
		t.Errorf("exit code %d, says %q", code, r.out)
	}
	if !strings.Contains(r.log.String(), "operation=InfrahubInfo branch=main status=200") {
		t.Errorf("the log is %q", r.log)
	}
}

func TestStart_Seed(t *testing.T) {
	t.Parallel()
	r := serve(t, "--token", "abc", "--seed", write(t, "tags:\n  - name: blue\nbranches:\n  - name: release\n"))
	if _, answer := r.ask(t, "{BuiltinTag{edges{node{hfid}}} Branch{name}}"); answer != `{"data":{"BuiltinTag":{"edges":[{"node":{"hfid":["blue"]}}]},"Branch":[{"name":"main"},{"name":"release"}]}}` {
		t.Errorf("got %s", answer)
	}
}

func TestStart_Faults(t *testing.T) {
	t.Parallel()
	r := serve(t, "--token", "abc", "--fault", "operation=BuiltinTag,times=1,status=503", "--fault", "operation=Branch,html,status=502")
	for _, test := range []struct {
		query  string
		status int
	}{{"{BuiltinTag{count}}", 503}, {"{BuiltinTag{count}}", 200}, {"{Branch{name}}", 502}, {"{Branch{name}}", 502}, {"{InfrahubInfo{version}}", 200}} {
		if status, answer := r.ask(t, test.query); status != test.status {
			t.Errorf("%s: got %d %s, want %d", test.query, status, answer, test.status)
		}
	}
}

func TestStart_Help(t *testing.T) {
	t.Parallel()
	var out output
	if code := start(t.Context(), []string{"--help"}, io.Discard, &out); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, flag := range []string{"-listen", "-delay", "-version", "-token", "-log", "-seed", "-fault"} {
		if !strings.Contains(out.String(), "  "+flag) {
			t.Errorf("%s is not explained in %s", flag, out.String())
		}
	}
}

func TestStart_Refused(t *testing.T) {
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
		{"unknown flag", []string{"--nope"}, "flag provided but not defined: -nope"},
		{"unknown delay", []string{"--delay", "slow"}, `"slow" is no delay: say "none" or "live"`},
		{"argument", []string{"x"}, `unexpected argument "x"`},
		{"port in use", []string{"--listen", listener.Addr().String()}, "address already in use"},
		{"no seed file", []string{"--seed", "none.yaml"}, "open none.yaml: no such file or directory"},
		{"unknown field in a seed", []string{"--seed", write(t, "tags:\n  - nom: a\n")}, "line 2: field nom not found"},
		{"seed that the server refuses", []string{"--listen", "127.0.0.1:0", "--seed", write(t, "tags:\n  - name: a\n  - name: a\n")}, "seed: line 3: tags: Violates uniqueness constraint 'name'"},
		{"unknown fault", []string{"--fault", "explode"}, `"explode" is no fault: say after, html, drop,`},
		{"fault without effect", []string{"--fault", "operation=login"}, "it says when, but not what goes wrong"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out output
			code := start(t.Context(), test.arguments, io.Discard, &out)
			if said := out.String(); code != 1 || !strings.HasPrefix(said, "infrahub-mock: ") || !strings.Contains(said, test.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("exit code %d, says %q, want a line with %q", code, said, test.want)
			}
		})
	}
}
