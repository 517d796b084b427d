package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// nodeListResource lists the nodes of a kind for terraform query.
type nodeListResource[M, T any] struct {
	resourceBase
	nodeKind[M, T]
	description string
	// filters are what a configuration can filter by, besides names.
	filters []nodeFilter
	// skip, if set, reports whether a node is left out, because Terraform cannot manage it.
	skip func(node T) bool
}

// Metadata returns the name of the type, which is that of the resource.
func (l *nodeListResource[M, T]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + l.typeName
}

// ListResourceConfigSchema returns the filters.
func (l *nodeListResource[M, T]) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	attributes := map[string]schema.Attribute{
		"names": schema.ListAttribute{
			MarkdownDescription: "Names to list. Without it every object of the kind is listed.",
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.ValueStringsAre(requiredText()...)},
		},
	}
	for _, filter := range l.filters {
		attributes[filter.attribute] = schema.StringAttribute{MarkdownDescription: filter.description, Optional: true, Validators: filter.validators}
	}
	resp.Schema = schema.Schema{MarkdownDescription: l.description, Attributes: attributes}
}

// List streams a result for each node, as many as Terraform asks for. An error ends the stream as its last result.
func (l *nodeListResource[M, T]) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	stream.Results = func(push func(list.ListResult) bool) {
		known, diags := emptyModel[M](ctx, l.schema(ctx))
		filter, problems := readFilter(ctx, l.Client, req.Config, l.filters)
		diags.Append(problems...)
		if diags.HasError() {
			push(list.ListResult{Diagnostics: diags})
			return
		}
		listed := int64(0)
		for node, err := range l.nodes(l.Client, known).List(ctx, filter) {
			if err != nil {
				push(list.ListResult{Diagnostics: diag.Diagnostics{l.notComplete(listed, err)}})
				return
			}
			if l.skip != nil && l.skip(node) {
				continue
			}
			if !push(l.result(ctx, req, l.flatten(node, known))) {
				return
			}
			if listed++; listed == req.Limit {
				return
			}
		}
	}
}

// notComplete returns the error that ends a list after some results.
func (l *nodeListResource[M, T]) notComplete(listed int64, err error) diag.Diagnostic {
	next := "Check the connection and the server, then run the query again."
	switch {
	case errors.Is(err, infrahub.ErrBranchNotFound):
		next = "Create the branch, or set another one in the provider block or " + branchVariable + "."
	case errors.Is(err, infrahub.ErrUnauthorized):
		next = nextStep(subject{}, "", err)
	case errors.Is(err, context.Canceled):
		next = "Run the query again."
	}
	return diag.NewErrorDiagnostic(l.title+" List Not Complete", detail("The list on branch "+l.Branch(), err, fmt.Sprintf(
		"The list ends after %d results, and there may be more. Terraform may show none of them beside this error. %s", listed, next)))
}

func (l *nodeListResource[M, T]) result(ctx context.Context, req list.ListRequest, model M) list.ListResult {
	result := req.NewListResult(ctx)
	setIdentity(ctx, result.Identity, l.base(&model).ID.ValueString(), &result.Diagnostics)
	whole := tfsdk.State{Schema: l.schema(ctx), Raw: nullObject(result.Resource.Raw.Type())}
	result.Diagnostics.Append(whole.Set(ctx, model)...)
	result.Diagnostics.Append(whole.GetAttribute(ctx, path.Root("name"), &result.DisplayName)...)
	if req.IncludeResource {
		result.Resource.Raw = whole.Raw
	}
	return result
}
