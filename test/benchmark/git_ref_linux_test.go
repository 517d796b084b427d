package benchmark

import (
	"fmt"
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
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/provider"
)

// BenchmarkGitRef reads the data source infrahub_git_ref of a remote with ten thousand tags over http, half of them
// annotated, and runs git ls-remote in turn. It reports
//
//	ms/read        time of a read
//	time/git       the same as a ratio of git's time
//	MiB/read       memory that a read allocates
//	memory/git     the same as a ratio of git's largest resident set
func BenchmarkGitRef(b *testing.B) {
	const tags = 10_000
	location := manyTags(b, tags)
	read := gitRef(b, location)
	var ours, theirs time.Duration
	var allocated uint64
	var resident float64
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
			resident += float64(usage.Maxrss) * 1024
		}
	}
	b.ReportMetric(ours.Seconds()*1000/float64(b.N), "ms/read")
	b.ReportMetric(float64(ours)/float64(theirs), "time/git")
	b.ReportMetric(float64(allocated)/float64(b.N)/(1<<20), "MiB/read")
	b.ReportMetric(float64(allocated)/resident, "memory/git")
}

// gitRef returns a function that reads the data source by a provider in this process, and returns the tag.
func gitRef(b *testing.B, location string) func() string {
	b.Helper()
	mock := mocktest.Start(b, mockserver.Options{})
	server, err := providerserver.NewProtocol6WithError(provider.New("benchmark")())()
	if err != nil {
		b.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(b.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		b.Fatal(err)
	}
	configured, err := server.ConfigureProvider(b.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: block(b, schemas.Provider, map[string]string{"address": mock.Address, "api_token": mock.Token}),
	})
	if err != nil || len(configured.Diagnostics) > 0 {
		b.Fatalf("configure: %v %v", configured, err)
	}
	schema := schemas.DataSourceSchemas["infrahub_git_ref"]
	request := &tfprotov6.ReadDataSourceRequest{TypeName: "infrahub_git_ref", Config: block(b, schema, map[string]string{"location": location})}
	return func() string {
		response, err := server.ReadDataSource(b.Context(), request)
		if err != nil || len(response.Diagnostics) > 0 {
			b.Fatalf("read: %v %v", response.Diagnostics, err)
		}
		state, err := response.State.Unmarshal(schema.ValueType())
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

// block returns a configuration with these texts, and null for all other attributes.
func block(b *testing.B, schema *tfprotov6.Schema, texts map[string]string) *tfprotov6.DynamicValue {
	b.Helper()
	object, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		b.Fatalf("%v is not an object", schema.ValueType())
	}
	fields := map[string]tftypes.Value{}
	for name, attribute := range object.AttributeTypes {
		fields[name] = tftypes.NewValue(attribute, nil)
		if text, given := texts[name]; given {
			fields[name] = tftypes.NewValue(attribute, text)
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
	remote := mocktest.NewRemote(b, root, "r.git")
	commit := remote.Commit(b, "main", map[string]string{"file": "1"})
	remote.AnnotatedTag(b, "annotated")
	loose := filepath.Join(remote.Path, "refs", "tags", "annotated")
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
	if err := os.WriteFile(filepath.Join(remote.Path, "packed-refs"), []byte(packed.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.Remove(loose); err != nil {
		b.Fatal(err)
	}
	return mocktest.ServeGit(b, root, gitserver.Options{}) + "/r.git"
}
