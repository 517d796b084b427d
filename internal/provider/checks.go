package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// checkModel is a check of a proposed change.
type checkModel struct {
	Label      types.String `tfsdk:"label"`
	Kind       types.String `tfsdk:"kind"`
	State      types.String `tfsdk:"state"`
	Conclusion types.String `tfsdk:"conclusion"`
	Messages   types.List   `tfsdk:"messages"`
}

func checkType() types.ObjectType {
	return types.ObjectType{AttrTypes: map[string]attr.Type{
		"label": types.StringType, "kind": types.StringType, "state": types.StringType, "conclusion": types.StringType,
		"messages": types.ListType{ElemType: types.StringType},
	}}
}

// checksAttribute returns the attribute that lists the checks of a proposed change.
func checksAttribute(description string) schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		MarkdownDescription: description,
		Computed:            true,
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"label": schema.StringAttribute{MarkdownDescription: "Name of the check, such as `Data Integrity` or `Check: vlans`.", Computed: true},
			"kind": schema.StringAttribute{
				MarkdownDescription: "What is checked: `data`, `schema`, `repository` (whether Git branches merge), `user` (a check that a repository defines), `artifact` or `generator`.",
				Computed:            true,
			},
			"state":      schema.StringAttribute{MarkdownDescription: "How far it is: `queued`, `in_progress` or `completed`.", Computed: true},
			"conclusion": schema.StringAttribute{MarkdownDescription: "How it ended: `success` or `failure`; `unknown` until it has completed.", Computed: true},
			"messages": schema.ListAttribute{
				MarkdownDescription: "Why it failed, in Infrahub's words; null unless it failed.",
				ElementType:         types.StringType,
				Computed:            true,
			},
		}},
	}
}

// flattenChecks returns the checks as a list. It is never null.
func flattenChecks(ctx context.Context, checks []infrahub.Check) (types.List, diag.Diagnostics) {
	var diags diag.Diagnostics
	models := []checkModel{}
	for _, check := range checks {
		messages := types.ListNull(types.StringType)
		if check.Failed() {
			list, problems := types.ListValueFrom(ctx, types.StringType, append([]string{}, check.Messages...))
			diags.Append(problems...)
			messages = list
		}
		models = append(models, checkModel{
			Label: types.StringValue(check.Label), Kind: types.StringValue(check.Kind), State: types.StringValue(check.State),
			Conclusion: types.StringValue(check.Conclusion), Messages: messages,
		})
	}
	list, problems := types.ListValueFrom(ctx, checkType(), models)
	diags.Append(problems...)
	return list, diags
}

// hasFailedCheck reports whether one of the checks in a state has failed.
func hasFailedCheck(ctx context.Context, list types.List) (bool, diag.Diagnostics) {
	var checks []checkModel
	diags := list.ElementsAs(ctx, &checks, false)
	for _, check := range checks {
		if (infrahub.Check{State: check.State.ValueString(), Conclusion: check.Conclusion.ValueString()}).Failed() {
			return true, diags
		}
	}
	return false, diags
}
