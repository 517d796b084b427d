package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
)

// git is a repository with two releases, served on loopback. Below private/ it needs the password.
type git struct {
	location string
	username string
	password string
	commits  map[string]string // by tag
	delay    atomic.Int64      // a time.Duration for which each request waits
	close    func()
}

func serveGit(root, path string) (*git, error) {
	repository, err := gitserver.NewRepository(root, path)
	if err != nil {
		return nil, err
	}
	served := &git{username: "automation", password: rand.Text(), commits: map[string]string{}}
	for _, tag := range []string{"v1.0.0", "v1.1.0"} {
		commit, err := repository.Commit(map[string]string{
			".infrahub.yml": "queries: []\n",
			"RELEASE":       tag + "\n",
		})
		if err != nil {
			return nil, err
		}
		if err := repository.Tag(tag); err != nil {
			return nil, err
		}
		served.commits[tag] = commit
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

// environ returns the variables of the configuration with the location and the credential of the repository.
func (g *git) environ() []string {
	return []string{"TF_VAR_location=" + g.location, "TF_VAR_username=" + g.username, "TF_VAR_password=" + g.password}
}
