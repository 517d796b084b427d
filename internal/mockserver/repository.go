package mockserver

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

// appendGitSuffix appends ".git" to an http(s) location whose host is in the server's
// git.append_git_suffix (infrahub-behaviour.md, Writing 8).
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
	attribute, _ := input["location"].(map[string]any)
	if location, ok := attribute["value"].(string); ok {
		attribute["value"] = s.appendGitSuffix(location)
	}
}

// createRepository returns the create mutation of a repository kind. It creates the node, connects to the
// remote, and deletes the node if the connection fails (infrahub-behaviour.md, Writing 9). Otherwise it
// queues the import.
func (s *Server) createRepository(k *kind) mutation {
	return func(ctx context.Context, b *branch, input map[string]any) (any, error) {
		s.normalizeLocation(input)
		n, err := s.insert(b, k, input)
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
		n = s.store.get(b, k.name, n.id)
		s.store.mu.Unlock()
		if n == nil {
			return nil, notFound(k.name, "None")
		}
		s.engine.queueAdd(newJob(b, n))
		return s.nodePayload(k.name+"Create", b, n, nil), nil
	}
}

// updateRepository returns the update mutation of a repository kind. Another ref or commit of a read-only
// repository is imported.
func (s *Server) updateRepository(k *kind) mutation {
	return func(_ context.Context, b *branch, input map[string]any) (any, error) {
		identifier, ok := input["id"].(string)
		switch {
		case !ok && s.is19():
			return nil, notFound(k.name, "None") // infrahub-behaviour.md, Errors 11
		case !ok:
			return nil, errInternal // infrahub-behaviour.md, Writing 3
		}
		s.normalizeLocation(input)
		before, after, err := s.edit(b, k, identifier, input)
		if err != nil {
			return nil, err
		}
		ref, commit := inputText(input, "ref"), inputText(input, "commit")
		changed := ref != "" && ref != before.text("ref") || commit != "" && commit != before.text("commit")
		if k.name == readOnlyRepositoryKind && changed {
			s.engine.queueRefChange(newJob(b, after), commit)
		}
		return s.nodePayload(k.name+"Update", b, after, omittedRelationships(k, input)), nil
	}
}

// upsertRepository returns the upsert mutation of a repository kind, which imports nothing if the repository exists.
func (s *Server) upsertRepository(k *kind) mutation {
	upsert := s.upsert(k, s.createRepository(k))
	return func(ctx context.Context, b *branch, input map[string]any) (any, error) {
		s.normalizeLocation(input)
		return upsert(ctx, b, input)
	}
}

// checkConnection lists the refs of a repository's remote. It returns nil if the remote answers.
func (s *Server) checkConnection(ctx context.Context, n *node) *gitError {
	if s.engine.pause(ctx, s.options.Delay.git()) != nil {
		return &gitError{class: "RepositoryConnectionError", message: "the request was canceled"}
	}
	_, err := s.remote(n.id, n.text("location")).list(ctx)
	return newGitError(err, n.text("name"), n.text("location"), "", lsRemote)
}

// remote returns the Git remote of a repository, with its credential.
func (s *Server) remote(id, location string) remote {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	r := remote{url: location}
	main := s.store.branches[mainBranch]
	n := s.store.get(main, genericRepositoryKind, id)
	if n == nil {
		return r
	}
	for _, peer := range n.related["credential"] {
		if credential := s.store.get(main, credentialKind, peer); credential != nil {
			r.username, r.password = credential.text("username"), credential.text("password")
		}
	}
	return r
}

// findRepository returns the repository that an input names by id or name.
func (s *Server) findRepository(b *branch, kindName string, input map[string]any) (*node, error) {
	identifier, _ := input["id"].(string)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if n := s.store.find(b, kindName, identifier); n != nil {
		return n, nil
	}
	if s.is19() && kindName == readOnlyRepositoryKind {
		kindName = "<class 'infrahub.core.protocols." + kindName + "'>"
	}
	return nil, notFound(kindName, identifier)
}

func taskPayload(typename, task string) object {
	return object{typename, map[string]any{"ok": true, "task": taskInfo(task)}}
}

func taskInfo(id string) object { return object{"TaskInfo", map[string]any{"id": id}} }

// importLastCommit answers InfrahubReadOnlyRepositoryImportLastCommit (infrahub-behaviour.md, Importing 4).
func (s *Server) importLastCommit(_ context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.findRepository(b, readOnlyRepositoryKind, input)
	if err != nil {
		return nil, err
	}
	task := s.engine.queueImportLast(newJob(b, n).delayed(s.faults.taskDelay(workflowImportLast)))
	return taskPayload("ReadOnlyRepositoryImportLastCommit", task), nil
}

// processRepository answers InfrahubRepositoryProcess: it imports the current commit again
// (infrahub-behaviour.md, Importing 4).
func (s *Server) processRepository(_ context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.findRepository(b, genericRepositoryKind, input)
	if err != nil {
		return nil, err
	}
	j := newJob(b, n)
	j.commit = n.text("commit")
	if j.commit == "" {
		j.commit = "None"
	}
	return taskPayload("ProcessRepository", s.engine.queueReimport(j)), nil
}

// checkConnectivity answers InfrahubRepositoryConnectivity (infrahub-behaviour.md, Importing 5).
func (s *Server) checkConnectivity(ctx context.Context, b *branch, input map[string]any) (any, error) {
	n, err := s.findRepository(b, genericRepositoryKind, input)
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
