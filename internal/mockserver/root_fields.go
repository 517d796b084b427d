package mockserver

import (
	"context"
	"maps"
	"net/http"
)

// queries returns the top-level fields of a query on a branch.
func (s *Server) queries(b *branch) object {
	fields := map[string]any{
		"Branch":         resolver(func(arguments map[string]any) (any, error) { return s.listBranches(arguments), nil }),
		"InfrahubTask":   resolver(s.listTasks),
		"InfrahubInfo":   object{"Info", map[string]any{"version": s.options.Version, "deployment_id": s.id}},
		"InfrahubStatus": object{"Status", map[string]any{"summary": object{"StatusSummary", map[string]any{"schema_hash_synced": true}}}},
		"AccountProfile": s.account,
	}
	// Validation refuses the names that the schema has no query for.
	for _, k := range s.store.kinds {
		for _, name := range []string{k.name, k.family()} {
			fields[name] = resolver(func(arguments map[string]any) (any, error) { return s.list(b, name, arguments), nil })
		}
	}
	return object{"Query", introspect(s.schema, fields)}
}

// mutation changes something on a branch. The input is the argument "data" of the field.
type mutation func(ctx context.Context, b *branch, input map[string]any) (any, error)

// kindMutations returns the mutations of a kind by the name of their field.
func (s *Server) kindMutations(k *kind) map[string]mutation {
	onKind := func(change func(b *branch, k *kind, input map[string]any) (any, error)) mutation {
		return func(_ context.Context, b *branch, input map[string]any) (any, error) { return change(b, k, input) }
	}
	table := map[string]mutation{k.name + "Delete": onKind(s.remove)}
	switch {
	case k.is(genericRepositoryKind):
		table[k.name+"Create"], table[k.name+"Update"] = s.createRepository(k), s.updateRepository(k)
		table[k.name+"Upsert"] = s.upsertRepository(k)
	case k.is(proposedChangeKind):
		table[k.name+"Create"], table[k.name+"Update"] = s.createProposedChange, s.updateProposedChange
	default:
		table[k.name+"Create"], table[k.name+"Update"] = onKind(s.create), onKind(s.update)
		table[k.name+"Upsert"] = s.upsert(k, onKind(s.create))
	}
	return table
}

// mutations returns the top-level fields of a mutation on a branch.
func (s *Server) mutations(ctx context.Context, b *branch) object {
	table := map[string]mutation{
		"InfrahubReadOnlyRepositoryImportLastCommit": s.importLastCommit,
		"InfrahubRepositoryProcess":                  s.processRepository,
		"InfrahubRepositoryConnectivity":             s.checkConnectivity,
		"BranchUpdate":                               s.updateBranch,
		"CoreProposedChangeRunCheck":                 s.runCheck,
		"RelationshipAdd":                            s.changePeers("RelationshipAdd", s.addPeers),
		"RelationshipRemove":                         s.changePeers("RelationshipRemove", s.removePeers),
	}
	// Validation refuses the names that the schema has no mutation for.
	for _, k := range s.store.kinds {
		maps.Copy(table, s.kindMutations(k))
	}
	fields := map[string]any{}
	for name, change := range table {
		fields[name] = resolver(func(arguments map[string]any) (any, error) {
			return s.ifWritable(b, name, func() (any, error) { return change(ctx, b, inputOf(arguments)) })
		})
	}
	for name, change := range map[string]func(ctx context.Context, input map[string]any, wait bool) (any, error){
		"BranchCreate": s.createBranch, "BranchDelete": s.deleteBranch, "BranchMerge": s.mergeBranch, "CoreProposedChangeMerge": s.mergeChange,
		"BranchRebase": s.rebaseBranch, "BranchValidate": s.validateBranch,
	} {
		fields[name] = resolver(func(arguments map[string]any) (any, error) {
			return s.ifWritable(b, name, func() (any, error) {
				return change(ctx, inputOf(arguments), arguments["wait_until_completion"] != false)
			})
		})
	}
	return object{"Mutation", fields}
}

// ifWritable makes a change unless the branch was merged (infrahub-behaviour.md, Branches 2) or a merge is
// running that blocks it (infrahub-behaviour.md, Branches 11).
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

func inputOf(arguments map[string]any) map[string]any {
	input, _ := arguments["data"].(map[string]any)
	return input
}
