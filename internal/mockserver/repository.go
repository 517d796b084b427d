package mockserver

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// job is what a Git workflow is told of a repository when it is submitted.
type job struct {
	repository, kind, name, location string
	ref                              string // what a read-only repository follows, or the default branch
	commit                           string // "" where the workflow has to resolve ref
	internalStatus                   string
	branch, branchID                 string
	late                             time.Duration // how much later than usual it starts
}

func jobOf(b *branch, n *node) job {
	ref := "ref"
	if n.kind == "CoreRepository" {
		ref = "default_branch"
	}
	return job{
		repository: n.id, kind: n.kind, name: n.text("name"), location: n.text("location"), ref: n.text(ref),
		internalStatus: n.text("internal_status"), branch: b.name, branchID: b.id,
	}
}

// withSuffix appends ".git" to the http(s) location of a host where repositories have it (infrahub.md, Writing 8).
func (s *Server) withSuffix(location string) string {
	parsed, err := url.Parse(location)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || strings.HasSuffix(location, ".git") {
		return location
	}
	if slices.Contains(s.options.AppendGitSuffix, parsed.Hostname()) {
		return location + ".git"
	}
	return location
}

func (s *Server) suffixed(input map[string]any) {
	given, _ := input["location"].(map[string]any)
	if location, ok := given["value"].(string); ok {
		given["value"] = s.withSuffix(location)
	}
}

// createRepository makes the node, asks the remote, and takes the node away again if the remote does
// not answer (infrahub.md, Writing 9). Then the import is queued.
func (s *Server) createRepository(kindName string) mutation {
	of := s.store.kinds[kindName]
	return func(ctx context.Context, b *branch, input map[string]any) (any, error) {
		s.suffixed(input)
		n, err := s.insert(b, of, input)
		if err != nil {
			return nil, err
		}
		if err := s.reach(ctx, n); err != nil {
			s.store.mu.Lock()
			s.store.remove(b, n)
			s.store.mu.Unlock()
			return nil, invalid("%s", err.message)
		}
		status := "staging"
		if b.name == mainBranch {
			status = "active"
		}
		s.store.change(b.name, n.id, func(n *node) { n.set("internal_status", status, false) })
		s.store.mu.Lock()
		n = s.store.get(b, kindName, n.id)
		s.store.mu.Unlock()
		if n == nil {
			return nil, notFound(kindName, "None")
		}
		s.engine.add(jobOf(b, n))
		return mutated(kindName+"Create", s.render(b, n, nil)), nil
	}
}

// updateRepository changes a repository; another ref or commit of a read-only one is imported.
func (s *Server) updateRepository(kindName string) mutation {
	of := s.store.kinds[kindName]
	return func(_ context.Context, b *branch, input map[string]any) (any, error) {
		identifier, ok := input["id"].(string)
		switch {
		case !ok && s.old():
			return nil, notFound(kindName, "None")
		case !ok:
			return nil, errInternal // infrahub.md, Writing 3
		}
		s.suffixed(input)
		before, after, err := s.edit(b, of, identifier, input)
		if err != nil {
			return nil, err
		}
		ref, commit := valueOf(input, "ref"), valueOf(input, "commit")
		if kindName == "CoreReadOnlyRepository" && (ref != "" && ref != before.text("ref") || commit != "" && commit != before.text("commit")) {
			s.engine.follow(jobOf(b, after), commit)
		}
		return mutated(kindName+"Update", s.render(b, after, unnamed(of, input))), nil
	}
}

// reach asks the remote of a repository what it has, nil if it answers.
func (s *Server) reach(ctx context.Context, n *node) *gitError {
	if s.engine.pause(ctx, s.options.Delay.git()) != nil {
		return &gitError{class: "RepositoryConnectionError", message: "the request was given up"}
	}
	_, err := s.remote(n.id, n.text("location")).list(ctx)
	return explain(err, n.text("name"), n.text("location"), "", asking)
}

// remote is the Git remote of a repository, with its credential.
func (s *Server) remote(id, location string) remote {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	r := remote{url: location}
	main := s.store.branches[mainBranch]
	n := s.store.get(main, "CoreGenericRepository", id)
	if n == nil {
		return r
	}
	for _, peer := range n.related["credential"] {
		if credential := s.store.get(main, "CorePasswordCredential", peer); credential != nil {
			r.username, r.password = credential.text("username"), credential.text("password")
		}
	}
	return r
}

// repository finds the repository that an input names by id or name.
func (s *Server) repository(b *branch, kindName string, input map[string]any) (*node, error) {
	identifier, _ := input["id"].(string)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if n := s.store.find(b, kindName, identifier); n != nil {
		return n, nil
	}
	named := kindName
	if s.old() && kindName == "CoreReadOnlyRepository" {
		named = "<class 'infrahub.core.protocols.CoreReadOnlyRepository'>"
	}
	return nil, notFound(named, identifier)
}

func queued(name, task string) object {
	return object{name, map[string]any{"ok": true, "task": object{"TaskInfo", map[string]any{"id": task}}}}
}

// importLastCommit answers InfrahubReadOnlyRepositoryImportLastCommit.
func (s *Server) importLastCommit(_ context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.repository(b, "CoreReadOnlyRepository", input)
	if err != nil {
		return nil, err
	}
	return queued("ReadOnlyRepositoryImportLastCommit", s.engine.importLast(jobOf(b, n).after(s.faults.late(importLastWorkflow)))), nil
}

// processRepository answers InfrahubRepositoryProcess: the current commit is imported again.
func (s *Server) processRepository(_ context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.repository(b, "CoreGenericRepository", input)
	if err != nil {
		return nil, err
	}
	again := jobOf(b, n)
	again.commit = n.text("commit")
	if again.commit == "" {
		again.commit = "None"
	}
	return queued("ProcessRepository", s.engine.importAgain(again)), nil
}

// checkRepository answers InfrahubRepositoryConnectivity.
func (s *Server) checkRepository(ctx context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.repository(b, "CoreGenericRepository", input)
	if err != nil {
		return nil, err
	}
	status, message := "online", "Successfully accessed repository"
	if failed := s.reach(ctx, n); failed != nil {
		status, message = failed.operational, failed.message
	}
	s.store.change(b.name, n.id, func(n *node) { n.set("operational_status", status, false) })
	return object{"ValidateRepositoryConnectivity", map[string]any{"ok": status == "online", "message": message}}, nil
}

// errGone is a repository that was deleted while it was imported.
var errGone = errors.New("the repository is gone")
