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
	filters []listFilter
	// skip, if set, reports whether a node is left out, because Terraform cannot manage it.
	skip func(node T) bool
}

// listFilter is an attribute that holds one text to filter by.
type listFilter struct {
	attribute, description string
	validators             []validator.String
	// apply adds a value to the client's filter.
	apply func(filter *infrahub.Filter, value string)
	// find, if set, returns ErrNotFound for a value that does not exist, because the server lists nothing for it.
	find func(ctx context.Context, client *infrahub.Client, value string) error
	// expects describes the values that find accepts.
	expects string
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
		filter, problems := l.filter(ctx, req.Config)
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

// filter returns the client's filter for a configuration. A value that does not exist is an error.
func (l *nodeListResource[M, T]) filter(ctx context.Context, config tfsdk.Config) (infrahub.Filter, diag.Diagnostics) {
	var filter infrahub.Filter
	diags := config.GetAttribute(ctx, path.Root("names"), &filter.Names)
	for _, each := range l.filters {
		var value types.String
		diags.Append(config.GetAttribute(ctx, path.Root(each.attribute), &value)...)
		if diags.HasError() || value.IsNull() {
			continue
		}
		each.apply(&filter, value.ValueString())
		if each.find == nil {
			continue
		}
		switch err := each.find(ctx, l.Client, value.ValueString()); {
		case errors.Is(err, infrahub.ErrNotFound):
			diags.AddAttributeError(path.Root(each.attribute), "Filter Value Not Found", fmt.Sprintf(
				"%s is %q, which branch %s does not have, so the list would be empty. It must be %s.", each.attribute, value.ValueString(), l.Branch(), each.expects))
		case err != nil:
			diags.Append(l.notComplete(0, err))
		}
	}
	return filter, diags
}

// notComplete returns the error that ends a list after some results.
func (l *nodeListResource[M, T]) notComplete(listed int64, err error) diag.Diagnostic {
	next := "Check the connection and the server, then run the query again."
	switch {
	case errors.Is(err, infrahub.ErrBranchNotFound):
		next = "Create the branch, or set another one in the provider block or " + branchVariable + "."
	case errors.Is(err, infrahub.ErrUnauthorized):
		next = nextStep(subject{}, err)
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
