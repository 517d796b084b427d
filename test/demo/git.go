package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
)

// tagged is a commit of a repository with a tag.
type tagged struct {
	tag   string
	files map[string]string
}

// importingNothing returns two releases that import nothing.
func importingNothing() []tagged {
	files := func(tag string) map[string]string {
		return map[string]string{".infrahub.yml": "queries: []\n", "RELEASE": tag + "\n"}
	}
	return []tagged{{"v1.0.0", files("v1.0.0")}, {"v1.1.0", files("v1.1.0")}}
}

// withCheck returns three releases with a check, which the second one does not pass. Name is that of the query which the check reads,
// and part of its own: both are unique in Infrahub.
func withCheck(name string) []tagged {
	files := func(tag, failure string) map[string]string {
		check := "from infrahub_sdk.checks import InfrahubCheck\n\n\nclass Check(InfrahubCheck):\n    query = \"" + name + "\"\n\n" +
			"    def validate(self, data):\n        self.log_info(message=\"compared the VLANs of release " + tag + "\")\n"
		if failure != "" {
			check += "        self.log_error(message=\"" + failure + "\")\n"
		}
		return map[string]string{
			".infrahub.yml": "queries:\n  - name: " + name + "\n    file_path: query.gql\n" +
				"check_definitions:\n  - name: vlans-" + name + "\n    file_path: check.py\n    class_name: Check\n",
			"query.gql": "query { BuiltinTag { count } } # " + tag + "\n",
			"check.py":  check,
		}
	}
	return []tagged{{"v1.0.0", files("v1.0.0", "")}, {"v1.1.0", files("v1.1.0", usedTwice)}, {"v1.1.1", files("v1.1.1", "")}}
}

// usedTwice is why the check fails.
const usedTwice = "VLAN 12 is used twice"

// git is a repository with releases, served on loopback. Below private/ it needs the password.
type git struct {
	location string
	username string
	password string
	tags     []string
	commits  map[string]string // by tag
	delay    atomic.Int64      // a time.Duration for which each request waits
	close    func()
}

func serveGit(root, path string, releases []tagged) (*git, error) {
	repository, err := gitserver.NewRepository(root, path)
	if err != nil {
		return nil, err
	}
	served := &git{username: "automation", password: rand.Text(), commits: map[string]string{}}
	for _, release := range releases {
		commit, err := repository.Commit(release.files)
		if err != nil {
			return nil, err
		}
		if err := repository.Tag(release.tag); err != nil {
			return nil, err
		}
		served.tags = append(served.tags, release.tag)
		served.commits[release.tag] = commit
	}
	handler, err := gitserver.Handler(root, gitserver.Options{Username: served.username, Password: served.password})
	if err != nil {
		return nil, err
	}
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(served.delay.Load()))
		handler.ServeHTTP(w, r)
	}))
	served.location, served.close = listening.URL+path, listening.Close
	return served, nil
}

// short returns the short hash of the commit of a tag.
func (g *git) short(tag string) string { return fmt.Sprintf("%.7s", g.commits[tag]) }

// describe returns the tags and their commits.
func (g *git) describe() string {
	var parts []string
	for _, tag := range g.tags {
		parts = append(parts, tag+" is commit "+g.short(tag))
	}
	return strings.Join(parts, ", ")
}

// environ returns the variables of the configuration with the location and the credential of the repository.
func (g *git) environ() []string {
	return []string{"TF_VAR_location=" + g.location, "TF_VAR_username=" + g.username, "TF_VAR_password=" + g.password}
}
