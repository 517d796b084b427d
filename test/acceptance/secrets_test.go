package acceptance

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestSecrets_ArePutNowhereButWhereTheyAreAskedFor runs the real binary under the CLI and greps everything
// that comes out of it: the state, saved plans, their JSON, the whole trace log and the diagnostics.
func TestSecrets_ArePutNowhereButWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		password string
		inState  bool
	}{
		"password_wo": {password: "password_wo = var.password\n password_wo_version = 1"},
		"password":    {password: "password = var.password", inState: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.newRemote(t, "private/network.git")
			w := newWorkspace(t, `terraform {
				required_providers {
					infrahub = { source = "infrahub-community/infrahub" }
				}
			}
			variable "password" {
				type      = string
				ephemeral = `+map[bool]string{true: "false", false: "true"}[c.inState]+`
				sensitive = true
			}
			variable "ref" { default = "v1.0.0" }
			variable "resolve" { default = true }
			`+s.unique(`provider "infrahub" {}
			resource "infrahub_password_credential" "git" {
				name     = "git-NAME"
				username = "`+gitUsername+`"
				`+c.password+`
			}
			resource "infrahub_read_only_repository" "test" {
				name          = "network-NAME"
				location      = "GIT/private/network.git"
				credential_id = infrahub_password_credential.git.id
				ref           = var.ref
				resolve_ref   = var.resolve
			}
			data "infrahub_git_ref" "newest" { location = "GIT/private/network.git" }`),
				"INFRAHUB_ADDRESS="+s.address, "INFRAHUB_API_TOKEN="+s.token, "TF_VAR_password="+gitPassword,
				"INFRAHUB_GIT_USERNAME="+gitUsername, "INFRAHUB_GIT_TOKEN="+gitPassword, "TF_LOG=TRACE", "TF_LOG_PATH=trace.log")
			w.run("apply", "-auto-approve", "-input=false")
			w.exits(1, "plan", "-input=false", "-var=ref=v9.9.9")
			w.run("plan", "-input=false", "-out=bump.tfplan", "-var=ref=v9.9.9", "-var=resolve=false")
			w.run("show", "-json", "bump.tfplan")
			w.fails("apply", "-auto-approve", "-input=false", "-var=ref=v9.9.9", "-var=resolve=false")
			w.finds(gitPassword, map[bool][]string{true: {"bump.tfplan", "show", "terraform.tfstate", "terraform.tfstate.backup"}}[c.inState])
			w.run("destroy", "-auto-approve", "-input=false")
			w.finds(s.token, nil)
			s.nothingLeft(t)
		})
	}
}

// finds fails where a secret stands in anything written or printed, but for the files that may hold it,
// in which it must be, so that the search is known to work. The configuration itself is not searched.
func (w *workspace) finds(secret string, allowed []string) {
	w.t.Helper()
	texts := map[string][]byte{}
	for name, printed := range w.printed {
		texts[name] = []byte(printed)
	}
	entries, err := os.ReadDir(w.directory)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() || entry.Name() == "main.tf" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(w.directory, entry.Name()))
		if err != nil {
			w.t.Fatal(err)
		}
		texts[entry.Name()] = unzipped(w.t, content)
	}
	if len(texts["trace.log"]) < 10_000 || !bytes.Contains(texts["trace.log"], []byte("Infrahub answered")) {
		w.t.Error("the trace log is not one")
	}
	may := map[string]bool{}
	for _, name := range allowed {
		may[name] = true
	}
	for name, content := range texts {
		switch found := bytes.Contains(content, []byte(secret)); {
		case found && !may[name]:
			w.t.Errorf("the secret is in %s", name)
		case !found && may[name] && name == "terraform.tfstate":
			w.t.Errorf("the secret is not even in %s: the search is blind", name)
		}
	}
}
