package mockserver

import (
	"context"
	"net/http"
)

// queries are the top-level fields of a query on a branch.
func (s *Server) queries(b *branch) object {
	fields := map[string]any{
		"Branch": resolver(func(arguments map[string]any) (any, error) { return s.listBranches(arguments), nil }),
		"InfrahubTask": resolver(func(arguments map[string]any) (any, error) {
			return s.listTasks(arguments)
		}),
		"InfrahubInfo": object{"Info", map[string]any{"version": s.options.Version, "deployment_id": s.id}},
	}
	for _, name := range []string{
		"CoreRepository", "CoreReadOnlyRepository", "CoreGenericRepository", "CorePasswordCredential", "BuiltinTag",
		"CoreProposedChange", "CoreGraphQLQuery",
	} {
		fields[name] = resolver(func(arguments map[string]any) (any, error) { return s.list(b, name, arguments), nil })
	}
	return object{"Query", introspect(s.schema, fields)}
}

// mutation changes something on a branch; the input is its argument "data".
type mutation func(ctx context.Context, b *branch, input map[string]any) (any, error)

// mutations are the top-level fields of a mutation on a branch.
func (s *Server) mutations(ctx context.Context, b *branch) object {
	table := map[string]mutation{
		"CoreReadOnlyRepositoryUpdate":               s.updateRepository("CoreReadOnlyRepository"),
		"CoreRepositoryUpdate":                       s.updateRepository("CoreRepository"),
		"CoreReadOnlyRepositoryCreate":               s.createRepository("CoreReadOnlyRepository"),
		"CoreRepositoryCreate":                       s.createRepository("CoreRepository"),
		"CoreProposedChangeCreate":                   s.createProposedChange,
		"CoreProposedChangeUpdate":                   s.updateProposedChange,
		"InfrahubReadOnlyRepositoryImportLastCommit": s.importLastCommit,
		"InfrahubRepositoryProcess":                  s.processRepository,
		"InfrahubRepositoryConnectivity":             s.checkRepository,
		"BranchUpdate":                               s.updateBranch,
	}
	for _, name := range []string{"CorePasswordCredential", "BuiltinTag"} {
		table[name+"Create"] = s.onKind(name, s.create)
		table[name+"Update"] = s.onKind(name, s.update)
		table[name+"Upsert"] = s.onKind(name, s.upsert)
	}
	for _, name := range []string{"CoreRepository", "CoreReadOnlyRepository", "CorePasswordCredential", "BuiltinTag", "CoreProposedChange"} {
		table[name+"Delete"] = s.onKind(name, s.remove)
	}
	fields := map[string]any{}
	for name, change := range table {
		fields[name] = resolver(func(arguments map[string]any) (any, error) {
			return s.ifWritable(b, name, func() (any, error) { return change(ctx, b, inputOf(arguments)) })
		})
	}
	for name, change := range map[string]func(ctx context.Context, input map[string]any, wait bool) (any, error){
		"BranchCreate": s.createBranch, "BranchDelete": s.deleteBranch, "BranchMerge": s.mergeBranch,
	} {
		fields[name] = resolver(func(arguments map[string]any) (any, error) {
			return s.ifWritable(b, name, func() (any, error) {
				return change(ctx, inputOf(arguments), arguments["wait_until_completion"] != false)
			})
		})
	}
	return object{"Mutation", fields}
}

// ifWritable refuses changes on a branch that was merged, and while one is merged also on main.
func (s *Server) ifWritable(b *branch, field string, change func() (any, error)) (any, error) {
	s.store.mu.Lock()
	merged, merging := b.status == statusMerged, s.store.merging
	s.store.mu.Unlock()
	switch {
	case merged && field != "BranchDelete":
		return nil, failure{
			message: "Branch '" + b.name + "' has been merged and is read-only. No modifications are allowed.",
			code:    "BRANCH_ALREADY_MERGED", status: http.StatusBadRequest, data: map[string]any{"branch_name": b.name},
		}
	case merging == "" || s.is19() || b.name != mainBranch && b.name != merging || field == "BranchCreate" || field == "BranchDelete":
		return change()
	}
	message := "A merge is currently in progress; writes are temporarily blocked. Please retry shortly."
	if b.name == merging {
		message = "Branch '" + b.name + "' is being merged and is read-only. No modifications are allowed."
	}
	return nil, failure{
		message: message, code: "MERGE_IN_PROGRESS", status: http.StatusLocked, data: map[string]any{"branch_name": b.name, "merging_branch": merging},
	}
}

// onKind is a mutation of a kind that has no rules of its own.
func (s *Server) onKind(name string, change func(b *branch, of *kind, input map[string]any) (any, error)) mutation {
	of := s.store.kinds[name]
	return func(_ context.Context, b *branch, input map[string]any) (any, error) { return change(b, of, input) }
}

func inputOf(arguments map[string]any) map[string]any {
	input, _ := arguments["data"].(map[string]any)
	return input
}
