package acceptance

import (
	"regexp"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// lifecycle creates a resource, changes and clears its description, imports it, and deletes it outside of Terraform.
type lifecycle struct {
	address string
	// config returns a configuration. More are further arguments of the resource.
	config func(more string) string
	// create and update are the mutations that the provider sends for a create, and for a changed description.
	create, update string
	// name is the name by which the resource is imported.
	name string
	// remove deletes the object outside of Terraform.
	remove func()
}

func (l lifecycle) run(t *testing.T, s *server) {
	t.Helper()
	config := l.config("")
	steps := []resource.TestStep{
		{
			Config:            config,
			ConfigStateChecks: []statecheck.StateCheck{expectNull(l.address, "description"), s.expectMutations(l.create)},
		},
		{
			PreConfig:         s.resetLog,
			Config:            l.config(`description = "What it is for"`),
			ConfigPlanChecks:  preApply(plancheck.ExpectResourceAction(l.address, plancheck.ResourceActionUpdate), expectChanges(l.address, "description")),
			ConfigStateChecks: []statecheck.StateCheck{expectText(l.address, "description", "What it is for"), s.expectMutations(l.update)},
		},
		{
			PreConfig:         s.resetLog,
			Config:            config,
			ConfigStateChecks: []statecheck.StateCheck{expectNull(l.address, "description"), s.expectMutations(l.update)},
		},
	}
	s.run(t, slices.Concat(steps, importSteps(l.address, l.name), deletedOutsideSteps(l.address, config, l.remove))...)
}

// importSteps imports a resource by its name and by its id, and fails to import an unknown name. Ignored are attributes
// that may differ from those in state. The command and the block take both; the provider gets the same request of either.
func importSteps(address, name string, ignored ...string) []resource.TestStep {
	return []resource.TestStep{
		{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: ignored, ImportStateId: name},
		{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
		{ResourceName: address, ImportState: true, ImportStateId: "no-such-" + name, ExpectError: regexp.MustCompile(`Object Not Found`)},
	}
}

// deletedOutsideSteps deletes an object outside of Terraform, whereupon it is created again, and deletes it once more
// before it is destroyed.
func deletedOutsideSteps(address, config string, remove func(), checks ...statecheck.StateCheck) []resource.TestStep {
	return []resource.TestStep{
		{
			PreConfig:         remove,
			Config:            config,
			ConfigPlanChecks:  expectAction(address, plancheck.ResourceActionCreate),
			ConfigStateChecks: checks,
		},
		{PreConfig: remove, Config: config, Destroy: true},
	}
}

// drift changes an object outside of Terraform, whereupon the next apply repairs it, and then deletes it.
type drift struct {
	address, config string
	// edit and remove change and delete the object with an id outside of Terraform.
	edit, remove func(id string)
	// plan and state are checks of the repair.
	plan  []plancheck.PlanCheck
	state []statecheck.StateCheck
}

func (d drift) run(t *testing.T, s *server) {
	t.Helper()
	var id string
	saved := saveID(d.address, &id)
	steps := []resource.TestStep{
		{Config: d.config, ConfigStateChecks: []statecheck.StateCheck{saved}},
		{
			PreConfig: func() {
				d.edit(id)
				s.resetLog()
			},
			Config:            d.config,
			ConfigPlanChecks:  preApply(d.plan...),
			ConfigStateChecks: d.state,
		},
	}
	s.run(t, append(steps, deletedOutsideSteps(d.address, d.config, func() { d.remove(id) }, saved)...)...)
}
