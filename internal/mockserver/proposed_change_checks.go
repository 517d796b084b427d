package mockserver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
)

// allChecks is the type of check that runs every check. The types are those of the enum CheckType.
const allChecks = "ALL"

// The conclusions of validators and checks.
const (
	succeeded    = "success"
	unsuccessful = "failure"
	undecided    = "unknown"
)

// flow is a workflow of a proposed change.
type flow struct {
	task           *task
	change, branch string
	work           func(ctx context.Context) error
}

// runFlow runs a workflow and returns how it ended. One that is stuck ends with the server.
func (e *engine) runFlow(ctx context.Context, f flow) error {
	e.locked(func() {
		e.tasks = append(e.tasks, f.task)
		f.task.enter(pending)
	})
	var err error
	e.runTask(ctx, f.task, nil, workflowRun{
		job:   job{branch: f.branch, delay: e.server.faults.taskDelay(f.task.workflow)},
		nodes: []taskNode{{f.change, proposedChangeKind}},
		work: func(ctx context.Context, _ *task, _ job) error {
			err = f.work(ctx)
			return err
		},
	})
	ended := false
	e.locked(func() { ended = f.task.state == completed || f.task.state == failed })
	if !ended {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// checkRun is a run of the checks of a proposed change.
type checkRun struct {
	engine         *engine
	change, source string
	checks         string // their type
}

// startChecks runs checks of a proposed change in the background. The first step is the workflow proposed-changed-pipeline,
// which the list of tasks does not show (infrahub-behaviour.md, Proposals 3).
func (e *engine) startChecks(change *node, checks string) {
	r := checkRun{e, change.id, change.text("source_branch"), checks}
	e.background(func(ctx context.Context) {
		if e.pause(ctx, e.server.options.Delay.checking()) == nil {
			r.run(ctx)
		}
	})
}

// run starts the workflows of a run. Each runs beside the others.
func (r checkRun) run(ctx context.Context) {
	s := r.engine.server
	source := s.branch(r.source)
	if source == nil {
		return
	}
	r.checkData(ctx, source)
	s.store.mu.Lock()
	changed := s.store.changed(source)
	s.store.mu.Unlock()
	if r.checks == "ARTIFACT" {
		r.submit(workflowArtifacts, "Trigger artifacts refresh", nil, nil)
	}
	if r.includes("GENERATOR") {
		r.submit(workflowGenerators, "Run generators", nil, func(context.Context) error {
			if r.checks == allChecks {
				r.submit(workflowArtifacts, "Trigger artifacts refresh", nil, nil)
				r.submitRepositoryChecks(source)
			}
			return nil
		})
	}
	if r.includes("DATA") && changed {
		r.submit(workflowDataIntegrity, "Triggers data integrity check", nil, func(ctx context.Context) error {
			r.checkData(ctx, source)
			return nil
		})
	}
	if r.checks == "REPOSITORY" || r.checks == "USER" {
		r.submitRepositoryChecks(source)
	}
	if r.includes("SCHEMA") && changed {
		r.submit(workflowSchemaIntegrity, "Process schema integrity", nil, r.checkSchema)
	}
	if r.includes("TEST") {
		r.submit(workflowUserTests, "Run unit tests in repositories", nil, nil)
	}
}

func (r checkRun) includes(checks string) bool { return r.checks == checks || r.checks == allChecks }

// flow returns a workflow of the run. Parameters are those that its model has beside those of every workflow.
func (r checkRun) flow(workflow, title string, parameters map[string]any, work func(ctx context.Context) error) flow {
	model := map[string]any{"proposed_change": r.change, "source_branch": r.source, "destination_branch": mainBranch}
	maps.Copy(model, parameters)
	if work == nil {
		work = func(context.Context) error { return nil }
	}
	return flow{task: newTask(workflow, title, map[string]any{"model": model}), change: r.change, branch: r.source, work: work}
}

func (r checkRun) submit(workflow, title string, parameters map[string]any, work func(ctx context.Context) error) {
	r.engine.background(func(ctx context.Context) {
		_ = r.engine.runFlow(ctx, r.flow(workflow, title, parameters, work)) // its task says how it ended
	})
}

// checkData compares the branch with main and records the conflicts, unless the change is not open, or neither has changed since
// they were recorded (infrahub-behaviour.md, Proposals 11).
func (r checkRun) checkData(ctx context.Context, source *branch) {
	s := r.engine.server
	s.store.mu.Lock()
	change := s.store.get(s.store.branches[mainBranch], proposedChangeKind, r.change)
	diff, conflicts := s.store.diff(source), s.store.conflicts(source)
	due := change != nil && change.text("state") == changeOpen && !s.store.recordedDiffs[r.change].equal(diff)
	if due {
		s.store.recordedDiffs[r.change] = diff
	}
	s.store.mu.Unlock()
	if !due {
		return
	}
	r.record(ctx, dataValidatorKind, "Data Integrity", func(main *branch, validator *node) {
		s.store.recordConflicts(main, validator, source.name, conflicts)
	})
}

// checkSchema records that the schema is sound: the mock server has no schema that a branch could change.
func (r checkRun) checkSchema(ctx context.Context) error {
	s := r.engine.server
	r.record(ctx, schemaValidatorKind, "Schema Integrity", func(main *branch, validator *node) {
		s.store.recordNoConflict(main, validator, schemaCheckKind)
	})
	return nil
}

// record lets a validator of the server's own run: in progress for a while, then completed. Without delays nobody sees it in
// progress.
func (r checkRun) record(ctx context.Context, kindName, label string, record func(main *branch, validator *node)) {
	e := r.engine
	begin := func(validator *node) {
		validator.set("state", "in_progress", false)
		validator.set("conclusion", undecided, false)
		validator.set("started_at", checkTime(), false)
		validator.set("completed_at", "", false)
	}
	d := e.server.options.Delay.importing()
	if d > 0 {
		r.changeValidator(kindName, label, nil, func(_ *branch, validator *node) { begin(validator) })
		if e.pause(ctx, d) != nil {
			return
		}
	}
	r.changeValidator(kindName, label, nil, func(main *branch, validator *node) {
		if d <= 0 {
			begin(validator)
		}
		record(main, validator)
		endValidator(validator, e.server.store.allSucceeded(main, validator))
	})
}

// checkTime returns the current time as validators and checks have it.
func checkTime() string { return time.Now().UTC().Format(branchTimeFormat) }

func endValidator(validator *node, passed bool) {
	conclusion := unsuccessful
	if passed {
		conclusion = succeeded
	}
	validator.set("state", "completed", false)
	validator.set("conclusion", conclusion, false)
	validator.set("completed_at", checkTime(), false)
}

// changeValidator edits the validator of the change that has a kind and these peers; it creates a missing one. It does nothing
// if the change or a peer is gone.
func (r checkRun) changeValidator(kindName, label string, peers map[string]string, edit func(main *branch, validator *node)) {
	s := r.engine.server
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	main := s.store.branches[mainBranch]
	change := s.store.get(main, proposedChangeKind, r.change)
	if change == nil || peers["repository"] != "" && s.store.get(main, genericRepositoryKind, peers["repository"]) == nil {
		return
	}
	validator := s.store.validator(main, change, kindName, peers)
	if validator == nil {
		validator = newNode(s.store.kinds.named(kindName), uuid.NewString())
		for _, a := range validator.kind.attributes {
			validator.set(a.name, a.defaultValue, true)
		}
		validator.set("label", label, false)
		validator.label = label
		for name, id := range peers {
			validator.related[name] = []string{id}
		}
		change.related["validations"] = append(slices.Clone(change.related["validations"]), validator.id)
		s.store.put(main, change)
	}
	edit(main, validator)
	s.store.put(main, validator)
}

// validator returns the validator of a change that has a kind and these peers, nil if there is none.
func (s *store) validator(main *branch, change *node, kindName string, peers map[string]string) *node {
	for _, id := range change.related["validations"] {
		n := s.get(main, kindName, id)
		matches := n != nil
		for name, peer := range peers {
			matches = matches && slices.Equal(n.related[name], []string{peer})
		}
		if matches {
			return n
		}
	}
	return nil
}

func (s *store) allSucceeded(main *branch, validator *node) bool {
	return !slices.ContainsFunc(validator.related["checks"], func(id string) bool {
		check := s.get(main, genericCheckKind, id)
		return check != nil && check.text("conclusion") != succeeded
	})
}

// newCheck returns a check with values. The caller stores it.
func (s *store) newCheck(kindName string, values map[string]any) *node {
	check := newNode(s.kinds.named(kindName), uuid.NewString())
	for _, a := range check.kind.attributes {
		content := values[a.name]
		check.set(a.name, content, content == nil)
	}
	setLabel(check)
	return check
}

// recordNoConflict gives a validator of the server's own its only check, which says that there is no conflict.
func (s *store) recordNoConflict(main *branch, validator *node, kindName string) {
	for _, id := range validator.related["checks"] {
		if check := s.get(main, kindName, id); check != nil && check.text("conclusion") == succeeded {
			validator.related["checks"] = []string{id}
			return
		}
	}
	check := s.newCheck(kindName, map[string]any{
		"label": "Data Conflict", "kind": "DataIntegrity", "severity": "info", "conclusion": succeeded, "origin": "internal", "conflicts": []any{},
	})
	s.put(main, check)
	validator.related["checks"] = []string{check.id}
}

// recordConflicts gives a validator a check for each conflict (infrahub-behaviour.md, Proposals 8).
func (s *store) recordConflicts(main *branch, validator *node, source string, conflicts []conflict) {
	if len(conflicts) == 0 {
		s.recordNoConflict(main, validator, dataCheckKind)
		return
	}
	validator.related["checks"] = nil
	for _, c := range conflicts {
		id := uuid.NewString()
		check := s.newCheck(dataCheckKind, map[string]any{
			"label": fmt.Sprintf("%s (%s)", c.attribute, c.node.id), "kind": "DataIntegrity", "severity": "critical", "conclusion": unsuccessful,
			"origin": "internal", "enriched_conflict_id": id, "conflicts": []any{c.description(source, id)},
		})
		s.put(main, check)
		validator.related["checks"] = append(validator.related["checks"], check.id)
	}
}

// path returns the path of a conflict in the words of the server.
func (c conflict) path() string { return "data/" + c.node.id + "/" + c.attribute + "/value" }

// description returns what a check says of a conflict.
func (c conflict) description(source, id string) map[string]any {
	change := func(branch string, to any) map[string]any {
		return map[string]any{"previous": c.before, "new": to, "branch": branch, "action": "updated"}
	}
	return map[string]any{
		"name": c.attribute, "type": "data", "kind": c.node.kind.name, "id": c.node.id, "conflict_id": id, "conflict_path": c.path(),
		"path": c.path(), "path_type": "attribute", "property_name": "HAS_VALUE", "change_type": "attribute_value",
		"changes": []any{change(mainBranch, c.main), change(source, c.other)},
	}
}

// branchDiff is what a branch has changed, and what main has of that. Nodes of the store are replaced, never changed: a node
// that is the same has the same values.
type branchDiff struct{ onBranch, onMain map[string]*node }

func (s *store) diff(b *branch) branchDiff {
	d, main := branchDiff{map[string]*node{}, map[string]*node{}}, s.branches[mainBranch]
	for id, own := range b.nodes {
		if own != b.base[id] {
			d.onBranch[id], d.onMain[id] = own, main.nodes[id]
		}
	}
	return d
}

func (d branchDiff) equal(other branchDiff) bool {
	return d.onBranch != nil && maps.Equal(d.onBranch, other.onBranch) && maps.Equal(d.onMain, other.onMain)
}
