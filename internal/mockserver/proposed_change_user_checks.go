package mockserver

import (
	"context"
	"regexp"
	"strings"
)

// checkSource is the attribute that holds the Python file of a check definition. The server's schema has no such attribute.
const checkSource = "source"

// submitRepositoryChecks starts the checks of every repository, whether the branch changed it or not (infrahub-behaviour.md,
// Proposals 5 and 6).
func (r checkRun) submitRepositoryChecks(source *branch) {
	s := r.engine.server
	s.store.mu.Lock()
	repositories := s.store.list(source, genericRepositoryKind)
	s.store.mu.Unlock()
	listed := []any{}
	for _, n := range repositories {
		listed = append(listed, map[string]any{
			"repository_id": n.id, "repository_name": n.text("name"), "read_only": n.kind.name == readOnlyRepositoryKind,
			"internal_status": n.text("internal_status"), "source_branch": r.source, "source_commit": n.text("commit"), "destination_branch": mainBranch,
		})
	}
	parameters := map[string]any{"branch_diff": map[string]any{"repositories": listed}}
	r.submit(workflowRepositoryChecks, "Process user defined checks", parameters, func(context.Context) error {
		for _, n := range repositories {
			if n.kind.name == repositoryKind && source.syncWithGit && n.text("internal_status") == "active" {
				r.submitInternalChecks(n)
			}
			r.submitUserChecks(source, n)
		}
		return nil
	})
}

// submitInternalChecks starts the check of a read-write repository for conflicts in Git. It always succeeds: the mock server
// merges nothing in Git.
func (r checkRun) submitInternalChecks(repository *node) {
	s := r.engine.server
	label, peers := "Repository Validator: "+repository.text("name"), map[string]string{"repository": repository.id}
	title := "Running repository checks for repository " + repository.id
	r.submit(workflowInternalChecks, title, map[string]any{"repository": repository.id}, func(ctx context.Context) error {
		return r.validate(ctx, repositoryValidatorKind, label, peers, func() error {
			conflicts := r.flow(workflowMergeConflicts, "Check for merge conflicts between "+r.source+" and "+mainBranch, nil, nil)
			return r.engine.runFlow(ctx, conflicts)
		}, func(main *branch, validator *node) {
			s.store.recordCheck(main, validator, fileCheckKind, map[string]any{
				"name": "Merge Conflict Check", "kind": "MergeConflictCheck", "origin": "ConflictCheck", "severity": "info", "conclusion": succeeded,
				"created_at": checkTime(),
			})
		})
	})
}

// submitUserChecks starts the checks that a repository defines on the branch.
func (r checkRun) submitUserChecks(source *branch, repository *node) {
	s := r.engine.server
	parameters := map[string]any{"repository_id": repository.id, "repository_name": repository.text("name")}
	title := "Evaluating user-defined checks on repository " + repository.text("name")
	r.submit(workflowUserChecks, title, parameters, func(context.Context) error {
		s.store.mu.Lock()
		imported := s.store.importedFrom(source, repository.id)
		s.store.mu.Unlock()
		for _, definition := range imported {
			if definition.kind.name == checkDefinitionKind {
				r.submitUserCheck(repository, definition)
			}
		}
		return nil
	})
}

func (r checkRun) submitUserCheck(repository, definition *node) {
	s, name := r.engine.server, definition.text("name")
	peers := map[string]string{"repository": repository.id, "check_definition": definition.id}
	parameters := map[string]any{
		"repository_id": repository.id, "repository_name": repository.text("name"), "branch_name": r.source, "check_definition_id": definition.id,
		"commit": repository.text("commit"), "file_path": definition.text("file_path"), "class_name": definition.text("class_name"),
	}
	title := "Trigger user defined checks for repository " + repository.text("name")
	r.submit(workflowUserChecksDefinitions, title, parameters, func(ctx context.Context) error {
		return r.validate(ctx, userValidatorKind, "Check: "+name, peers, func() error {
			check := r.flow(workflowUserCheck, "Execute user defined Check '"+name+"'", parameters, func(ctx context.Context) error {
				return r.engine.pause(ctx, s.options.Delay.checking())
			})
			return r.engine.runFlow(ctx, check)
		}, func(main *branch, validator *node) {
			message, passed := readCheck(definition.text(checkSource))
			severity, conclusion := "critical", unsuccessful
			if passed {
				severity, conclusion = "info", succeeded
			}
			s.store.recordCheck(main, validator, standardCheckKind, map[string]any{
				"name": name, "kind": "CheckDefinition", "origin": repository.id, "severity": severity, "message": message, "conclusion": conclusion,
				"created_at": checkTime(),
			})
		})
	})
}

// validate lets a validator run: queued, in progress while the work lasts, then completed. A validator that ran before keeps
// its checks until the new results are there (infrahub-behaviour.md, Proposals 10).
func (r checkRun) validate(
	ctx context.Context, kindName, label string, peers map[string]string, work func() error, record func(main *branch, validator *node),
) error {
	e := r.engine
	again := false
	r.changeValidator(kindName, label, peers, func(_ *branch, validator *node) {
		again = len(validator.related["checks"]) > 0
		validator.set("state", "queued", false)
		validator.set("conclusion", undecided, false)
		if again {
			validator.set("started_at", "", false)
			validator.set("completed_at", "", false)
		}
	})
	if err := e.pause(ctx, e.server.options.Delay.writing()); err != nil {
		return err
	}
	r.changeValidator(kindName, label, peers, func(_ *branch, validator *node) {
		validator.set("state", "in_progress", false)
		validator.set("started_at", checkTime(), false)
		validator.set("completed_at", "", false)
	})
	if err := work(); err != nil {
		return err
	}
	r.changeValidator(kindName, label, peers, func(main *branch, validator *node) {
		record(main, validator)
		endValidator(validator, e.server.store.allSucceeded(main, validator))
	})
	return nil
}

// recordCheck gives a validator its only check, or changes the one that it has.
func (s *store) recordCheck(main *branch, validator *node, kindName string, values map[string]any) {
	for _, id := range validator.related["checks"] {
		if check := s.get(main, kindName, id); check != nil {
			for name, content := range values {
				check.set(name, content, false)
			}
			s.put(main, check)
			return
		}
	}
	check := s.newCheck(kindName, values)
	s.put(main, check)
	validator.related["checks"] = []string{check.id}
}

// checkCall matches a call that logs a literal text and stands in a method, but in no block of it.
var checkCall = regexp.MustCompile(`(?m)^ {8}self\.log_(error|info)\(message=(?:"([^"\\]*)"|'([^'\\]*)')((?:, object_(?:id|type)="[^"\\]*")*)\)$`)

// checkObject matches the object that a call names.
var checkObject = regexp.MustCompile(`object_(id|type)="([^"\\]*)"`)

// readCheck returns the message of a check and whether it passes. The mock server runs no Python: it reads which texts the file
// logs unconditionally. A check that logs an error does not pass (infrahub-behaviour.md, Proposals 9).
func readCheck(source string) (message string, passed bool) {
	var out strings.Builder
	entry := func(text, level, objects string) {
		out.WriteString("-----------------------\nMessage: " + text + "\nLevel: " + level + "\n")
		for _, kind := range []string{"id", "type"} {
			for _, object := range checkObject.FindAllStringSubmatch(objects, -1) {
				if object[1] == kind {
					out.WriteString("Object ID: " + object[2] + "\n") // for the type as well
				}
			}
		}
	}
	passed = true
	for _, call := range checkCall.FindAllStringSubmatch(source, -1) {
		entry(call[2]+call[3], strings.ToUpper(call[1]), call[4])
		passed = passed && call[1] == "info"
	}
	if passed {
		entry("Check succesfully completed", "INFO", "") //nolint:misspell // in the words of Infrahub
	}
	return out.String(), passed
}
