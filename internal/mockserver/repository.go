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

// appendGitSuffix appends ".git" to the http(s) location of a host where repositories have it (infrahub.md, Writing 8).
func (s *Server) appendGitSuffix(location string) string {
	parsed, err := url.Parse(location)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || strings.HasSuffix(location, ".git") {
		return location
	}
	if slices.Contains(s.options.AppendGitSuffix, parsed.Hostname()) {
		return location + ".git"
	}
	return location
}

func (s *Server) normalizeLocation(input map[string]any) {
	given, _ := input["location"].(map[string]any)
	if location, ok := given["value"].(string); ok {
		given["value"] = s.appendGitSuffix(location)
	}
}

// createRepository makes the node, asks the remote, and takes the node away again if the remote does
// not answer (infrahub.md, Writing 9). Then the import is queued.
func (s *Server) createRepository(kindName string) mutation {
	of := s.store.kinds[kindName]
	return func(ctx context.Context, b *branch, input map[string]any) (any, error) {
		s.normalizeLocation(input)
		n, err := s.insert(b, of, input)
		if err != nil {
			return nil, err
		}
		if err := s.checkConnection(ctx, n); err != nil {
			s.store.mu.Lock()
			s.store.remove(b, n)
			s.store.mu.Unlock()
			return nil, unprocessable("%s", err.message)
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
		s.engine.queueAdd(jobOf(b, n))
		return nodePayload(kindName+"Create", s.lockedNodeObject(b, n, nil)), nil
	}
}

// updateRepository changes a repository; another ref or commit of a read-only one is imported.
func (s *Server) updateRepository(kindName string) mutation {
	of := s.store.kinds[kindName]
	return func(_ context.Context, b *branch, input map[string]any) (any, error) {
		identifier, ok := input["id"].(string)
		switch {
		case !ok && s.is19():
			return nil, notFound(kindName, "None")
		case !ok:
			return nil, errInternal // infrahub.md, Writing 3
		}
		s.normalizeLocation(input)
		before, after, err := s.edit(b, of, identifier, input)
		if err != nil {
			return nil, err
		}
		ref, commit := inputText(input, "ref"), inputText(input, "commit")
		if kindName == "CoreReadOnlyRepository" && (ref != "" && ref != before.text("ref") || commit != "" && commit != before.text("commit")) {
			s.engine.queueRefChange(jobOf(b, after), commit)
		}
		return nodePayload(kindName+"Update", s.lockedNodeObject(b, after, omittedRelationships(of, input))), nil
	}
}

// checkConnection asks the remote of a repository what it has, nil if it answers.
func (s *Server) checkConnection(ctx context.Context, n *node) *gitError {
	if s.engine.pause(ctx, s.options.Delay.git()) != nil {
		return &gitError{class: "RepositoryConnectionError", message: "the request was given up"}
	}
	_, err := s.remote(n.id, n.text("location")).list(ctx)
	return newGitError(err, n.text("name"), n.text("location"), "", lsRemote)
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
	if s.is19() && kindName == "CoreReadOnlyRepository" {
		named = "<class 'infrahub.core.protocols.CoreReadOnlyRepository'>"
	}
	return nil, notFound(named, identifier)
}

func taskPayload(name, task string) object {
	return object{name, map[string]any{"ok": true, "task": object{"TaskInfo", map[string]any{"id": task}}}}
}

// importLastCommit answers InfrahubReadOnlyRepositoryImportLastCommit.
func (s *Server) importLastCommit(_ context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.repository(b, "CoreReadOnlyRepository", input)
	if err != nil {
		return nil, err
	}
	return taskPayload("ReadOnlyRepositoryImportLastCommit", s.engine.queueImportLast(jobOf(b, n).delayed(s.faults.taskDelay(importLastWorkflow)))), nil
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
	return taskPayload("ProcessRepository", s.engine.queueReimport(again)), nil
}

// checkRepository answers InfrahubRepositoryConnectivity.
func (s *Server) checkRepository(ctx context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.repository(b, "CoreGenericRepository", input)
	if err != nil {
		return nil, err
	}
	status, message := "online", "Successfully accessed repository"
	if failed := s.checkConnection(ctx, n); failed != nil {
		status, message = failed.operational, failed.message
	}
	s.store.change(b.name, n.id, func(n *node) { n.set("operational_status", status, false) })
	return object{"ValidateRepositoryConnectivity", map[string]any{"ok": status == "online", "message": message}}, nil
}

// errRepositoryDeleted is a repository that was deleted while it was imported.
var errRepositoryDeleted = errors.New("the repository is gone")
