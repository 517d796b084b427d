package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// repositoryAdoption describes how a create adopts a repository: one of the same kind, name and location.
func repositoryAdoption[M any](kind infrahub.Kind, parts func(*M) repositoryParts) *adoption[M, infrahub.Repository] {
	a := &adoption[M, infrahub.Repository]{
		setting: func(model M) types.Bool { return parts(&model).AdoptExisting },
		find: func(ctx context.Context, client *infrahub.Client, want M, planning, refused bool) (*infrahub.Repository, error) {
			return findRepository(ctx, client, kind, parts(&want), planning, refused)
		},
		equate: func(found *M, want M) {
			if wanted := parts(&want).Location; wanted.storedAs(parts(found).Location) {
				parts(found).Location = wanted
			}
		},
		note: "If no task of Infrahub shows that this ref was imported, the apply imports it.",
	}
	if kind == infrahub.ReadWrite {
		a.note = "If it was never imported, or its last import failed, the apply waits for the import or starts it."
		a.conflict = func(found infrahub.Repository, want M) *adoptionConflict {
			return checkAdoptedRepository(found, *parts(&want).ref)
		}
	}
	return a
}

// findRepository returns the repository to adopt. While planning, or after the server has refused to create the repository, it looks
// for others that have the name or the location as well; otherwise the server does.
func findRepository(ctx context.Context, client *infrahub.Client, kind infrahub.Kind, want repositoryParts, planning, refused bool) (*infrahub.Repository, error) {
	name, location := want.Name.ValueString(), want.Location.ValueString()
	found, err := client.Repositories(kind).GetByName(ctx, name)
	missing := errors.Is(err, infrahub.ErrNotFound)
	switch {
	case err != nil && !missing, missing && !planning && !refused:
		return nil, err
	case err == nil && want.Location.storedAs(newLocation(found.Location)):
		return found, nil
	}
	locations := []string{location}
	if refused { // before that a location with the suffix may well be another one
		locations = append(locations, location+".git")
	}
	byName, byLocation, holdersErr := client.RepositoryHolders(ctx, kind, name, locations...)
	if holdersErr != nil {
		return nil, holdersErr
	}
	if conflict := repositoryConflict(kind, location, byName, byLocation); conflict != nil {
		return nil, conflict
	}
	return nil, err
}

// repositoryConflict returns why the repositories that have the name and the location cannot be adopted, nil if there is none.
func repositoryConflict(kind infrahub.Kind, location string, byName, byLocation *infrahub.Repository) *adoptionConflict {
	var ids []string
	for _, holder := range []*infrahub.Repository{byName, byLocation} {
		if holder != nil {
			ids = append(ids, holder.ID)
		}
	}
	conflict := func(attribute, format string, values ...any) *adoptionConflict {
		return &adoptionConflict{attribute, fmt.Sprintf(format, values...), ids}
	}
	switch {
	case len(ids) == 0:
		return nil
	case byName != nil && byLocation != nil && byName.ID != byLocation.ID:
		return conflict("name",
			"the %s has the name, with the location %s, and the %s has the location. Correct name or location, or import the one that is meant.",
			named(byName), redactedLocation(byName), named(byLocation))
	case byName != nil && byName.Kind != kind:
		return conflict("name",
			"the %s has the name, with the location %s. It is of the other kind, which cannot be changed: manage it as %s, or choose another name.",
			named(byName), redactedLocation(byName), typeNameOf(byName.Kind.String()))
	case byName != nil:
		return conflict("location",
			"the %s has the location %s, and the configuration has %s. Correct location, or choose another name. To move the repository, import it, and then change its location:\n\n%s",
			named(byName), redactedLocation(byName), location, importBlock(typeNameOf(kind.String()), byName.ID))
	case byLocation.Kind != kind:
		return conflict("location",
			"the %s has the location. It is of the other kind, which cannot be changed: manage it as %s, or choose another location.",
			named(byLocation), typeNameOf(byLocation.Kind.String()))
	default:
		return conflict("location",
			"the %s has the location. Set name = %q to adopt it, or choose another location. To rename it, import it, and then change its name:\n\n%s",
			named(byLocation), byLocation.Name, importBlock(typeNameOf(kind.String()), byLocation.ID))
	}
}

// redactedLocation returns the location that the server has, without a user and a password that others may have put into it.
func redactedLocation(repository *infrahub.Repository) string {
	return gitremote.Remote{Location: repository.Location}.RedactedLocation()
}

// named returns kind, name and id of a repository.
func named(repository *infrahub.Repository) string {
	return fmt.Sprintf("%s %q (id %s)", repository.Kind, repository.Name, repository.ID)
}

// checkAdoptedRepository returns why a read-write repository cannot be adopted: Infrahub never acts on a changed default branch
// (infrahub-behaviour.md, Importing 18).
func checkAdoptedRepository(found infrahub.Repository, defaultBranch types.String) *adoptionConflict {
	if defaultBranch.ValueString() == found.Ref {
		return nil
	}
	return &adoptionConflict{attribute: "default_branch", reason: fmt.Sprintf(
		"it exists (id %s) and follows the branch %q, while the configuration has %q. Infrahub does not act on a changed default branch: set default_branch = %q, or delete the repository in Infrahub.",
		found.ID, found.Ref, defaultBranch.ValueString(), found.Ref)}
}
