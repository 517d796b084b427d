package acceptance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// listBlock returns a block of a .tfquery.hcl file.
func listBlock(typeName, config string) string {
	return fmt.Sprintf("list %q \"test\" {\n  provider = infrahub\n  config {\n    %s\n  }\n}\n", typeName, config)
}

func TestQuery_GeneratedConfigurationPlansEmpty(t *testing.T) {
	t.Parallel()
	requireCLI(t, "terraform query", queries())
	a := newAdoptable(t)
	defer a.remove(t)
	var blocks strings.Builder
	lists := listResourceTypes(t)
	for _, name := range lists {
		blocks.WriteString(listBlock(name, fmt.Sprintf("names = [%q]", a.names[name])))
	}
	w := a.newWorkspace(t, requirement)
	w.write("test.tfquery.hcl", blocks.String())
	w.run(0, "query", "-generate-config-out=generated.tf")
	for _, name := range lists {
		w.assertPrinted("query", fmt.Sprintf("list.%s.test id=%s %s", name, a.ids[name], a.names[name]))
	}
	a.adopt(t, w, len(lists))
}

func TestQuery_FiltersAndLimitsHold(t *testing.T) {
	t.Parallel()
	requireCLI(t, "terraform query", queries())
	a := newAdoptable(t)
	defer a.remove(t)
	w := a.newWorkspace(t, requirement)
	for _, test := range []struct {
		block string
		code  int
		want  []string
	}{
		{
			listBlock("infrahub_read_only_repository", fmt.Sprintf("tag = %q\n credential_id = %q\n operational_status = \"online\"", a.names["infrahub_tag"], a.ids["infrahub_password_credential"])),
			0,
			[]string{a.names["infrahub_read_only_repository"]},
		},
		{listBlock("infrahub_repository", fmt.Sprintf("tag = %q", a.names["infrahub_tag"])), 0, []string{"Warning"}},
		{listBlock("infrahub_repository", `tag = "no-such-tag"`), 1, []string{"Filter Value Not Found", "no-such-tag", "the name of a tag"}},
		{listBlock("infrahub_repository", `credential_id = "`+a.names["infrahub_password_credential"]+`"`), 1, []string{"Filter Value Not Found", "names are not accepted"}},
		{listBlock("infrahub_repository", `sync_status = "broken"`), 1, []string{"sync_status", "error-import", "broken"}},
		{listBlock("infrahub_tag", `name = "core"`), 1, []string{"name"}},
		{"list \"infrahub_branch\" \"test\" {\n  provider = infrahub\n  limit    = 1\n}\n", 0, []string{"list.infrahub_branch.test id="}},
	} {
		w.write("test.tfquery.hcl", test.block)
		w.run(test.code, "query")
		w.assertPrinted("query", test.want...)
	}
	a.assertMutations(t)
}

func TestQuery_BranchThatIsGoneIsAnError(t *testing.T) {
	t.Parallel()
	requireCLI(t, "terraform query", queries())
	s := newServer(t)
	w := s.newWorkspace(t, requirement, "INFRAHUB_DEFAULT_BRANCH="+s.name("gone"))
	w.write("test.tfquery.hcl", "list \"infrahub_tag\" \"test\" {\n  provider = infrahub\n}\n")
	w.run(1, "query")
	w.assertPrinted("query", "Tag List Not Complete", s.name("gone"), "Create the branch")
}

// The provider has given the first page by then. Terraform 1.15 shows no results beside an error.
func TestQuery_ErrorOnPageTwoSaysThatTheListIsNotComplete(t *testing.T) {
	t.Parallel()
	requireCLI(t, "terraform query", queries())
	s := newServer(t)
	s.mockOnly(t, "it creates 150 tags, and lists everything that the server has")
	var document strings.Builder
	for n := range 150 {
		fmt.Fprintf(&document, "n%d: BuiltinTagCreate(data: {name: {value: \"tag-%03d\"}}) { ok }\n", n, n)
	}
	s.direct.Ask(t, "mutation {"+document.String()+"}")
	failing := mocktest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || strings.Contains(string(body), `"offset":100`) {
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.log.ServeHTTP(w, r)
	}))
	w := s.newWorkspace(t, requirement, "INFRAHUB_ADDRESS="+failing, "INFRAHUB_MAX_RETRIES=0")
	w.write("test.tfquery.hcl", "list \"infrahub_tag\" \"test\" {\n  provider = infrahub\n  limit    = 1000\n}\n")
	w.run(1, "query")
	w.assertPrinted("query", "Tag List Not Complete", "no healthy upstream", "after 100 results", "there may be more")
}

// The examples are queried on a server that has only what they name.
func TestQuery_ExamplesList(t *testing.T) {
	t.Parallel()
	requireCLI(t, "terraform query", queries())
	for _, name := range listResourceTypes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.mockOnly(t, "the examples list everything that the server has")
			remote := s.newRemote(t, "network/automation.git")
			s.direct.Ask(t, `mutation($location: String!, $credential: String!) {
				BuiltinTagCreate(data: {name: {value: "production"}}) { ok }
				CorePasswordCredentialCreate(data: {id: $credential, name: {value: "git-automation"}}) { ok }
				CoreReadOnlyRepositoryCreate(data: {name: {value: "pinned"}, location: {value: $location}, tags: [{hfid: ["production"]}], credential: {id: $credential}}) { ok }
				CoreRepositoryCreate(data: {name: {value: "synced"}, location: {value: "`+s.newRemote(t, "synced.git").Path+`"}, tags: [{hfid: ["production"]}]}) { ok }
				BranchCreate(data: {name: "release-1.1.0", sync_with_git: false}, wait_until_completion: true) { ok }
			}`, "location", remote.Path, "credential", "0e4c2f6a-5a0b-4d0e-9f6d-3c1f5b7a9e21")
			s.direct.WaitForTasks(t)
			want := map[string][]string{
				"infrahub_branch":               {"all", "release-1.1.0", "release", "release-1.1.0"},
				"infrahub_password_credential":  {"all", "git-automation", "git", "git-automation"},
				"infrahub_read_only_repository": {"all", "pinned", "with_credential", "pinned", "production", "pinned"},
				"infrahub_repository":           {"all", "synced", "production", "synced"},
				"infrahub_tag":                  {"all", "production", "some", "production"},
			}[name]
			w := s.newWorkspace(t, requirement)
			w.write("example.tfquery.hcl", listExample(t, name))
			w.run(0, "query")
			printed := strings.Join(strings.Fields(w.printed["query"]), " ")
			for n := 0; n < len(want); n += 2 {
				block := "list." + name + "." + want[n]
				_, after, found := strings.Cut(printed, block+" id=")
				if fields := strings.Fields(after); !found || len(fields) < 2 || fields[1] != want[n+1] || strings.Count(printed, block+" ") != 1 {
					t.Errorf("%s has not listed %s alone:\n%s", block, want[n+1], w.printed["query"])
				}
			}
		})
	}
}

// A CLI without list resources ignores their files.
func TestQuery_ExamplesDisturbNoCLI(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := s.newWorkspace(t, requirement)
	for _, name := range listResourceTypes(t) {
		w.write(name+".tfquery.hcl", listExample(t, name))
	}
	w.run(0, "validate")
	w.planNothing()
}

func listExample(t *testing.T, typeName string) string {
	t.Helper()
	return readText(t, filepath.Join(examples, "list-resources", typeName, "list-resource.tfquery.hcl"))
}
