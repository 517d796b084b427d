package acceptance

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// stateCheck is a function as a check of the state.
type stateCheck func(*tfjson.State) error

func (c stateCheck) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	resp.Error = c(req.State)
}

// expectText checks the value of an attribute.
func expectText(address, attribute, want string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), knownvalue.StringExact(want))
}

// expectNull checks that an attribute is null.
func expectNull(address, attribute string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), knownvalue.Null())
}

// expectOtherText checks that an attribute differs from an earlier value.
func expectOtherText(address, attribute string, before *string) statecheck.StateCheck {
	return stateCheck(func(state *tfjson.State) error {
		text, err := attributeOf(state, address, attribute)
		if err == nil && text == *before {
			err = fmt.Errorf("%s of %s is still %s", attribute, address, text)
		}
		return err
	})
}

// expectCommitOf checks for the commit that a tag has when the check runs.
func expectCommitOf(address string, r remote, tag string) statecheck.StateCheck {
	return stateCheck(func(state *tfjson.State) error {
		commit, err := attributeOf(state, address, "commit")
		if err == nil && commit != r.Commits[tag] {
			err = fmt.Errorf("the commit of %s is %s, want %s", address, commit, r.Commits[tag])
		}
		return err
	})
}

// saveID stores the id of a resource for a later step.
func saveID(address string, into *string) statecheck.StateCheck {
	return stateCheck(func(state *tfjson.State) (err error) {
		*into, err = attributeOf(state, address, "id")
		return err
	})
}

func attributeOf(state *tfjson.State, address, attribute string) (string, error) {
	for _, r := range state.Values.RootModule.Resources {
		if text, ok := r.AttributeValues[attribute].(string); r.Address == address && ok {
			return text, nil
		}
	}
	return "", fmt.Errorf("%s has no %s", address, attribute)
}

// expectMutations checks after an apply that the provider has sent exactly these mutations, in any order.
func (s *server) expectMutations(want ...string) statecheck.StateCheck {
	return stateCheck(func(*tfjson.State) error { return s.compareMutations(want) })
}

// assertMutations checks that the provider has sent exactly these mutations, in this order.
func (s *server) assertMutations(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), s.mutations()); diff != "" {
		t.Errorf("mutations sent (-want +got):\n%s", diff)
	}
}

func (s *server) compareMutations(want []string) error {
	got := s.mutations()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		return fmt.Errorf("mutations sent (-want +got):\n%s", diff)
	}
	return nil
}

// expectCount checks how often the provider has sent an operation.
func (s *server) expectCount(operation string, want int) statecheck.StateCheck {
	return stateCheck(func(*tfjson.State) error {
		if got := s.count(operation); got != want {
			return fmt.Errorf("%s was sent %d times, want %d", operation, got, want)
		}
		return nil
	})
}

// expectVariables checks that the provider has sent an operation, each time with valid variables.
func (s *server) expectVariables(operation string, valid func(variables map[string]any) bool) statecheck.StateCheck {
	return stateCheck(func(*tfjson.State) error {
		for _, request := range s.log.Requests() {
			if request.Operation == operation && !valid(request.Input()) {
				return fmt.Errorf("%s was sent with other variables", operation)
			}
		}
		if !s.hasSent(operation) {
			return fmt.Errorf("%s was not sent", operation)
		}
		return nil
	})
}

// planCheck is a function as a check of a plan.
type planCheck func(context.Context, *tfjson.Plan) error

func (c planCheck) CheckPlan(ctx context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	resp.Error = c(ctx, req.Plan)
}

// preApply returns checks of the plan.
func preApply(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

// expectAction checks what the plan does with a resource.
func expectAction(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return preApply(plancheck.ExpectResourceAction(address, action))
}

// betweenPlanAndApply calls a function after the plan.
func betweenPlanAndApply(call func()) plancheck.PlanCheck {
	return planCheck(func(context.Context, *tfjson.Plan) error {
		call()
		return nil
	})
}

// expectChanges checks that the plan changes exactly these attributes of a resource.
func expectChanges(address string, want ...string) plancheck.PlanCheck {
	return planCheck(func(_ context.Context, plan *tfjson.Plan) error {
		for _, change := range plan.ResourceChanges {
			if change.Address != address {
				continue
			}
			got, err := changedAttributes(change.Change)
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

func changedAttributes(change *tfjson.Change) ([]string, error) {
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
