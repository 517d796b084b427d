package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// output is a buffer that the program writes to while the test reads it.
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

// running is a running server.
type running struct {
	address string
	out     *output
	log     *output
	stop    func() int // stops the program and returns its exit code
}

// serve runs the program until the test ends.
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
			t.Fatalf("does not start: stdout %q, stderr %q", r.out, r.log)
		}
	}
	_, rest, _ := strings.Cut(r.out.String(), "export INFRAHUB_ADDRESS=")
	r.address, _, _ = strings.Cut(rest, "\n")
	return r
}

// post sends a query to main.
func (r running) post(t *testing.T, query string) mocktest.Response {
	t.Helper()
	return mocktest.Endpoint{Address: r.address, Token: "abc"}.Post(t, "main", query)
}

// writeSeed writes a seed to a file and returns its path.
func writeSeed(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStart_ServesUntilStopped(t *testing.T) {
	t.Parallel()
	r := serve(t, "--token", "abc", "--log", "--version", "1.9.9")
	if got := r.post(t, "{InfrahubInfo{version}}"); got.Status != http.StatusOK || got.Body != `{"data":{"InfrahubInfo":{"version":"1.9.9"}}}` {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if !strings.Contains(r.out.String(), `api_token = "abc"`) {
		t.Errorf("the output lacks the provider's configuration: %s", r.out)
	}
	if code := r.stop(); code != 0 || !strings.HasSuffix(r.out.String(), "Stopping.\n") {
		t.Errorf("exit code %d, output %q", code, r.out)
	}
	if !strings.Contains(r.log.String(), "operation=InfrahubInfo branch=main status=200") {
		t.Errorf("the log is %q", r.log)
	}
}

// The container image listens on all addresses, which are no address for a client.
func TestStart_PrintsAnAddressThatAClientCanUse(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":0"} {
		r := serve(t, "--listen", listen)
		if !strings.HasPrefix(r.address, "http://127.0.0.1:") {
			t.Errorf("with -listen %s it prints the address %s", listen, r.address)
		}
		if got := r.post(t, "{InfrahubInfo{version}}"); got.Status == 0 {
			t.Errorf("with -listen %s nothing answers at %s", listen, r.address)
		}
	}
}

func TestStart_CreatesTheSeed(t *testing.T) {
	t.Parallel()
	r := serve(t, "--token", "abc", "--seed", writeSeed(t, "tags:\n  - name: blue\nbranches:\n  - name: release\n"))
	got := r.post(t, "{BuiltinTag{edges{node{hfid}}} Branch{name}}").Body
	if want := `{"data":{"BuiltinTag":{"edges":[{"node":{"hfid":["blue"]}}]},"Branch":[{"name":"main"},{"name":"release"}]}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStart_InjectsFaults(t *testing.T) {
	t.Parallel()
	r := serve(t, "--token", "abc", "--fault", "operation=BuiltinTag,times=1,status=503", "--fault", "operation=Branch,html,status=502")
	for _, test := range []struct {
		query  string
		status int
	}{{"{BuiltinTag{count}}", 503}, {"{BuiltinTag{count}}", 200}, {"{Branch{name}}", 502}, {"{Branch{name}}", 502}, {"{InfrahubInfo{version}}", 200}} {
		if got := r.post(t, test.query); got.Status != test.status {
			t.Errorf("%s: got %d %s, want %d", test.query, got.Status, got.Body, test.status)
		}
	}
}

func TestStart_HelpListsEveryFlag(t *testing.T) {
	t.Parallel()
	var out output
	if code := start(t.Context(), []string{"--help"}, io.Discard, &out); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, flag := range []string{"-listen", "-delay", "-version", "-token", "-log", "-seed", "-fault"} {
		if !strings.Contains(out.String(), "  "+flag) {
			t.Errorf("the help lacks %s: %s", flag, out.String())
		}
	}
}

func TestStart_ErrorIsOneLine(t *testing.T) {
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
		{"unknown delay", []string{"--delay", "slow"}, `unknown delay "slow": use "none" or "live"`},
		{"argument", []string{"x"}, `unexpected argument "x"`},
		{"port in use", []string{"--listen", listener.Addr().String()}, "address already in use; choose another address with -listen"},
		{"no seed file", []string{"--seed", "none.yaml"}, "open none.yaml: no such file or directory"},
		{"unknown field in a seed", []string{"--seed", writeSeed(t, "tags:\n  - nom: a\n")}, "line 2: field nom not found"},
		{"seed that the server refuses", []string{"--listen", "127.0.0.1:0", "--seed", writeSeed(t, "tags:\n  - name: a\n  - name: a\n")}, "seed: line 3: tags: Violates uniqueness constraint 'name'"},
		{"unknown fault", []string{"--fault", "explode"}, `unknown fault "explode": use after, html, drop,`},
		{"fault without effect", []string{"--fault", "operation=login"}, "the fault has no effect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out output
			code := start(t.Context(), test.arguments, io.Discard, &out)
			if got := out.String(); code != 1 || !strings.HasPrefix(got, "infrahub-mock: ") || !strings.Contains(got, test.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("exit code %d, output %q, want a line with %q", code, got, test.want)
			}
		})
	}
}
