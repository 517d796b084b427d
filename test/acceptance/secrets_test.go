package acceptance

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"slices"
	"testing"
)

// Everything that comes out of the provider's binary under the CLI is searched for secrets: the state, saved plans,
// their JSON, the whole trace log and the diagnostics.
func TestSecrets_AreOnlyWhereTheyBelong(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		password  string
		ephemeral string
		// allowed are the files and commands that have the password.
		allowed []string
	}{
		"password_wo": {password: "password_wo = var.password\n password_wo_version = 1", ephemeral: "true"},
		"password": {
			password: "password = var.password", ephemeral: "false",
			allowed: []string{"bump.tfplan", "show", "terraform.tfstate", "terraform.tfstate.backup"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.newRemote(t, "private/network.git")
			w := s.newWorkspace(t, requirement+`
			variable "password" {
				type      = string
				ephemeral = `+c.ephemeral+`
				sensitive = true
			}
			variable "ref" { default = "v1.0.0" }
			variable "resolve" { default = true }
			`+s.fill(`resource "infrahub_password_credential" "git" {
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
				"TF_VAR_password="+gitPassword, "INFRAHUB_GIT_USERNAME="+gitUsername, "INFRAHUB_GIT_TOKEN="+gitPassword,
				"TF_LOG=TRACE", "TF_LOG_PATH=trace.log")
			missing := []string{"-var=ref=v9.9.9", "-var=resolve=false"}
			w.apply()
			w.run(1, "plan", "-var=ref=v9.9.9")
			w.run(0, append([]string{"plan", "-out=bump.tfplan"}, missing...)...)
			w.run(0, "show", "-json", "bump.tfplan")
			w.run(1, append([]string{"apply", "-auto-approve"}, missing...)...)
			w.assertPrinted("apply", "Import Failed")
			w.assertOnlyIn(gitPassword, c.allowed...)
			w.destroy()
			w.assertOnlyIn(s.direct.Token)
			s.assertNothingLeft(t)
		})
	}
}

// assertOnlyIn checks that a secret is in no file of the workspace, and in no output of a command, but the allowed
// ones. If the state is allowed to have it, it must: that proves the search. The configuration is not searched.
func (w *workspace) assertOnlyIn(secret string, allowed ...string) {
	w.t.Helper()
	texts := map[string][]byte{}
	for command, output := range w.transcript {
		texts[command] = []byte(output)
	}
	entries, err := os.ReadDir(w.directory)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() || entry.Name() == "main.tf" {
			continue
		}
		texts[entry.Name()] = unzip(w.t, []byte(w.read(entry.Name())))
	}
	if len(texts["trace.log"]) < 10_000 || !bytes.Contains(texts["trace.log"], []byte("Infrahub answered")) {
		w.t.Error("trace.log has no trace of the provider")
	}
	for name, content := range texts {
		switch found, ok := bytes.Contains(content, []byte(secret)), slices.Contains(allowed, name); {
		case found && !ok:
			w.t.Errorf("the secret is in %s", name)
		case !found && ok && name == "terraform.tfstate":
			w.t.Errorf("the secret is not found in %s: the search does not work", name)
		}
	}
}

// unzip returns the content of the files of a zip archive, such as a saved plan. It returns other content as it is.
func unzip(t *testing.T, content []byte) []byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return content
	}
	var all []byte
	for _, file := range archive.File {
		text, err := fs.ReadFile(archive, file.Name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}
