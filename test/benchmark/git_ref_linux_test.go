package benchmark

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

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/provider"
)

// BenchmarkGitRef reads the data source infrahub_git_ref of a remote with ten thousand tags over http, every
// other one annotated, and lets git ls-remote list it in turn. It reports
//
//	ms/read        time of one read
//	time/git       the same as a ratio of git's
//	MiB/read       all that one read allocated
//	memory/git     the same as a ratio of the most that git had in memory at once
func BenchmarkGitRef(b *testing.B) {
	const tags = 10_000
	location := manyTags(b, tags)
	read := gitRef(b, location)
	var ours, theirs time.Duration
	var allocated, resident uint64
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		newest := read()
		ours += time.Since(began)
		runtime.ReadMemStats(&after)
		allocated += after.TotalAlloc - before.TotalAlloc
		if newest != fmt.Sprintf("v1.%d.0", tags-1) {
			b.Fatalf("the newest is %q", newest)
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
	b.ReportMetric(ours.Seconds()*1000/float64(b.N), "ms/read")
	b.ReportMetric(float64(ours)/float64(theirs), "time/git")
	b.ReportMetric(float64(allocated)/float64(b.N)/(1<<20), "MiB/read")
	b.ReportMetric(float64(allocated)/float64(resident), "memory/git")
}

// gitRef is one read of the data source, by a provider in this process. It returns the tag that was found.
func gitRef(b *testing.B, location string) func() string {
	b.Helper()
	mock, err := mockserver.New(mockserver.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(mock.Close)
	listening := httptest.NewServer(mock)
	b.Cleanup(listening.Close)
	server, err := providerserver.NewProtocol6WithError(provider.New("benchmark")())()
	if err != nil {
		b.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(b.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		b.Fatal(err)
	}
	configured, err := server.ConfigureProvider(b.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: block(b, schemas.Provider, map[string]string{"address": listening.URL, "api_token": mockserver.DefaultToken}),
	})
	if err != nil || len(configured.Diagnostics) > 0 {
		b.Fatalf("configure: %v %v", configured, err)
	}
	schema := schemas.DataSourceSchemas["infrahub_git_ref"]
	request := &tfprotov6.ReadDataSourceRequest{TypeName: "infrahub_git_ref", Config: block(b, schema, map[string]string{"location": location})}
	return func() string {
		answer, err := server.ReadDataSource(b.Context(), request)
		if err != nil || len(answer.Diagnostics) > 0 {
			b.Fatalf("read: %v %v", answer.Diagnostics, err)
		}
		state, err := answer.State.Unmarshal(schema.ValueType())
		if err != nil {
			b.Fatal(err)
		}
		var fields map[string]tftypes.Value
		var tag string
		if err := state.As(&fields); err != nil {
			b.Fatal(err)
		}
		if err := fields["tag"].As(&tag); err != nil {
			b.Fatal(err)
		}
		return tag
	}
}

// block is a configuration with these texts, and null for everything else.
func block(b *testing.B, schema *tfprotov6.Schema, texts map[string]string) *tfprotov6.DynamicValue {
	b.Helper()
	object, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		b.Fatalf("%v is no object", schema.ValueType())
	}
	fields := map[string]tftypes.Value{}
	for name, of := range object.AttributeTypes {
		fields[name] = tftypes.NewValue(of, nil)
		if text, given := texts[name]; given {
			fields[name] = tftypes.NewValue(of, text)
		}
	}
	value, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, fields))
	if err != nil {
		b.Fatal(err)
	}
	return &value
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
	packed.WriteString("# pack-refs with: peeled fully-peeled \n")
	for i := range n {
		hash, peeled := commit, ""
		if i%2 == 0 {
			hash, peeled = strings.TrimSpace(string(object)), "^"+commit+"\n"
		}
		fmt.Fprintf(packed, "%s refs/tags/v1.%d.0\n%s", hash, i, peeled)
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
