package acceptance

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

func is(address, attribute, want string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), knownvalue.StringExact(want))
}

func none(address, attribute string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), knownvalue.Null())
}

func same() compare.ValueComparer { return compare.ValuesSame() }

// stateCheck is a function as a check of the state.
type stateCheck func(*tfjson.State) error

func (c stateCheck) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	resp.Error = c(req.State)
}

// stateCheckOf is a check that looks elsewhere than at the state.
func stateCheckOf(check func() error) statecheck.StateCheck {
	return stateCheck(func(*tfjson.State) error { return check() })
}

// keep stores an attribute for a later step.
func keep(address, attribute string, into *string) statecheck.StateCheck {
	return stateCheck(func(state *tfjson.State) error {
		for _, r := range state.Values.RootModule.Resources {
			if text, ok := r.AttributeValues[attribute].(string); r.Address == address && ok {
				*into = text
				return nil
			}
		}
		return fmt.Errorf("%s has no %s", address, attribute)
	})
}

// expectSent checks after an apply that exactly these mutations were sent.
func expectSent(s *server, want ...string) statecheck.StateCheck {
	return stateCheck(func(*tfjson.State) error {
		got := s.sent()
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
			return fmt.Errorf("mutations sent (-want +got):\n%s", diff)
		}
		return nil
	})
}

// planCheck is a function as a check of a plan.
type planCheck func(context.Context, *tfjson.Plan) error

func (c planCheck) CheckPlan(ctx context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	resp.Error = c(ctx, req.Plan)
}

// during does something between plan and apply.
func during(do func(context.Context)) plancheck.PlanCheck {
	return planCheck(func(ctx context.Context, _ *tfjson.Plan) error {
		do(ctx)
		return nil
	})
}

// changes checks that a plan changes exactly these attributes of a resource.
func changes(address string, want ...string) plancheck.PlanCheck {
	return planCheck(func(_ context.Context, plan *tfjson.Plan) error {
		for _, change := range plan.ResourceChanges {
			if change.Address != address {
				continue
			}
			got, err := changed(change.Change)
			if err != nil {
				return err
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				return fmt.Errorf("attributes that the plan changes (-want +got):\n%s", diff)
			}
			return nil
		}
		return fmt.Errorf("the plan does not name %s", address)
	})
}

func changed(change *tfjson.Change) ([]string, error) {
	before, ok1 := change.Before.(map[string]any)
	after, ok2 := change.After.(map[string]any)
	unknown, ok3 := change.AfterUnknown.(map[string]any)
	if !ok1 || !ok2 || !ok3 {
		return nil, errors.New("the plan is not an update")
	}
	var changed []string
	for attribute := range before {
		if unknown[attribute] == true || !reflect.DeepEqual(before[attribute], after[attribute]) {
			changed = append(changed, attribute)
		}
	}
	slices.Sort(changed)
	return changed, nil
}

// change changes a repository outside of Terraform and waits until Infrahub is done with it.
func (s *server) change(t *testing.T, kind infrahub.Kind, id string, edit func(*infrahub.Repository)) {
	t.Helper()
	ctx := t.Context()
	before, err := s.client.Repositories(kind).Get(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	after := *before
	edit(&after)
	started, err := s.client.UpdateRepository(ctx, *before, after)
	if err != nil {
		t.Fatal(err)
	}
	if started != nil {
		if _, err := started.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// remove deletes a repository outside of Terraform.
func (s *server) remove(t *testing.T, kind infrahub.Kind, id string) {
	t.Helper()
	if err := s.client.Repositories(kind).Delete(context.WithoutCancel(t.Context()), id); err != nil {
		t.Fatal(err)
	}
}

// localhost is the same server under the name to which Infrahub appends .git.
func localhost(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }

// differs checks that an attribute is not what it was.
func differs(address, attribute string, before *string) statecheck.StateCheck {
	return stateCheck(func(state *tfjson.State) error {
		var now string
		resp := statecheck.CheckStateResponse{}
		keep(address, attribute, &now).CheckState(context.Background(), statecheck.CheckStateRequest{State: state}, &resp)
		if resp.Error == nil && now == *before {
			return fmt.Errorf("%s of %s is still %s", attribute, address, now)
		}
		return resp.Error
	})
}

// changeCredential changes a credential outside of Terraform.
func (s *server) changeCredential(t *testing.T, id string, edit func(*infrahub.Credential)) {
	t.Helper()
	before, err := s.client.Credentials(true).Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	after := *before
	edit(&after)
	if err := s.client.Credentials(false).Update(t.Context(), *before, after); err != nil {
		t.Fatal(err)
	}
}

// holdsPassword checks what the server itself holds.
func (s *server) holdsPassword(t *testing.T, want string) statecheck.StateCheck {
	t.Helper()
	return stateCheck(func(state *tfjson.State) error {
		for _, r := range state.Values.RootModule.Resources {
			id, ok := r.AttributeValues["id"].(string)
			if r.Type != "infrahub_password_credential" || !ok {
				continue
			}
			found, err := s.client.Credentials(true).Get(t.Context(), id)
			if err != nil {
				return err
			}
			got := ""
			if found.Password != nil {
				got = *found.Password
			}
			if got != want {
				return errors.New("the server holds another password")
			}
		}
		return nil
	})
}

// eachRequest checks that an operation was sent, and each time with fitting variables.
func (s *server) eachRequest(operation string, fits func(variables map[string]any) bool) statecheck.StateCheck {
	return stateCheck(func(*tfjson.State) error {
		sent := 0
		for _, request := range s.log.Requests() {
			if request.Operation == operation {
				if sent++; !fits(request.Input()) {
					return fmt.Errorf("%s was sent with other variables", operation)
				}
			}
		}
		if sent == 0 {
			return fmt.Errorf("%s was not sent", operation)
		}
		return nil
	})
}

// capital is how Infrahub writes a word of a name in a label.
func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// staysAt checks that a commit does not change by itself once an import was reported as done.
func (s *server) staysAt(t *testing.T, kind infrahub.Kind, id, commit string) {
	t.Helper()
	watched := 3 * time.Second // longer than the mock's echo
	if s.mock == nil {
		watched = 30 * time.Second
	}
	for start := time.Now(); time.Since(start) < watched; time.Sleep(200 * time.Millisecond) {
		found, err := s.client.Repositories(kind).Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if found.Commit == nil || *found.Commit != commit {
			t.Fatalf("after %s the commit is %v, want %s", time.Since(start), found.Commit, commit)
		}
	}
}

// waitUntilImported waits until a repository has a commit and is in sync.
func (s *server) waitUntilImported(t *testing.T, kind infrahub.Kind, id string) {
	t.Helper()
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(100 * time.Millisecond) {
		found, err := s.client.Repositories(kind).Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if found.Commit != nil && found.SyncStatus == "in-sync" && found.OperationalStatus == "online" {
			return
		}
	}
	t.Fatal("the repository was not imported within a minute")
}

// commitOf checks for the commit that a tag has when the check runs.
func (s *server) commitOf(address string, r *remote, tag string) statecheck.StateCheck {
	return stateCheck(func(state *tfjson.State) error {
		resp := statecheck.CheckStateResponse{}
		is(address, "commit", r.commits[tag]).CheckState(context.Background(), statecheck.CheckStateRequest{State: state}, &resp)
		return resp.Error
	})
}

// times checks how often an operation was sent.
func (s *server) times(operation string, want int) statecheck.StateCheck {
	return stateCheck(func(*tfjson.State) error {
		if got := s.count(operation); got != want {
			return fmt.Errorf("%s was sent %d times, want %d", operation, got, want)
		}
		return nil
	})
}

// stuck is the fault of a workflow whose tasks never end.
func stuck(workflow string) mockserver.Fault {
	return mockserver.Fault{Operation: workflow, StuckTask: true}
}
