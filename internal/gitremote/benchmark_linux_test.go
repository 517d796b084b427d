package gitremote_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
)

// BenchmarkRefs asks for ten thousand tags over http, every other one annotated, and lets git ls-remote do
// the same in turn. Metrics: time/git is the ratio of the two durations; memory/git that of all the bytes
// that Refs allocated to the most that git had in memory at once.
func BenchmarkRefs(b *testing.B) {
	const tags = 10_000
	location := manyTags(b, tags)
	var ours, theirs time.Duration
	var allocated, resident uint64
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		refs, err := gitremote.Remote{Location: location}.Refs(b.Context())
		ours += time.Since(began)
		runtime.ReadMemStats(&after)
		allocated += after.TotalAlloc - before.TotalAlloc
		if err != nil || len(refs.Tags()) != tags {
			b.Fatalf("got %v", err)
		}
		began = time.Now()
		command := exec.CommandContext(b.Context(), "git", "ls-remote", location)
		output, err := command.Output()
		theirs += time.Since(began)
		if err != nil || strings.Count(string(output), "\n") < tags {
			b.Fatalf("git ls-remote: %v", err)
		}
		if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
			resident += uint64(usage.Maxrss) * 1024
		}
	}
	b.ReportMetric(ours.Seconds()*1000/float64(b.N), "ms/refs")
	b.ReportMetric(float64(ours)/float64(theirs), "time/git")
	b.ReportMetric(float64(allocated)/float64(b.N)/(1<<20), "MiB/refs")
	b.ReportMetric(float64(allocated)/float64(resident), "memory/git")
}

// manyTags serves a repository with n tags and returns its location.
func manyTags(b *testing.B, n int) string {
	b.Helper()
	root := b.TempDir()
	made, err := gitserver.NewRepository(root, "r.git")
	if err != nil {
		b.Fatal(err)
	}
	commit, err := made.Commit(map[string]string{"file": "1"})
	if err != nil {
		b.Fatal(err)
	}
	if err := made.AnnotatedTag("annotated"); err != nil {
		b.Fatal(err)
	}
	loose := filepath.Join(made.Path, "refs", "tags", "annotated")
	object, err := os.ReadFile(loose)
	if err != nil {
		b.Fatal(err)
	}
	packed := &strings.Builder{}
	packed.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	for i := range n {
		hash, peeled := commit, ""
		if i%2 == 0 {
			hash, peeled = strings.TrimSpace(string(object)), "^"+commit+"\n"
		}
		fmt.Fprintf(packed, "%s refs/tags/v1.%05d.0\n%s", hash, i, peeled)
	}
	if err := os.WriteFile(filepath.Join(made.Path, "packed-refs"), []byte(packed.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.Remove(loose); err != nil {
		b.Fatal(err)
	}
	handler, err := gitserver.Handler(root, gitserver.Options{})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	return server.URL + "/r.git"
}
