package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// nodeData is a kind as data sources show it.
type nodeData[M, T any] struct {
	nodeKind[M, T]
	// attributes are what data sources show of a node besides its id and name: attributes of the resource with the same name
	// and type, or those of more.
	attributes map[string]schema.Attribute
	// more, if set, returns the attributes that the resource does not have.
	more func(node T) map[string]attr.Value
}

// values returns the attributes of a node.
func (d nodeData[M, T]) values(ctx context.Context, node T, known M) (map[string]tftypes.Value, diag.Diagnostics) {
	resource := d.schema(ctx)
	model := tfsdk.State{Schema: resource, Raw: nullObject(resource.Type().TerraformType(ctx))}
	diags := model.Set(ctx, d.flatten(node, known))
	values := map[string]tftypes.Value{}
	if err := model.Raw.As(&values); err != nil {
		diags.AddError(d.title+" Not Read", withPeriod(err.Error()))
	}
	if d.more == nil {
		return values, diags
	}
	for name, value := range d.more(node) {
		converted, err := value.ToTerraformValue(ctx)
		if err != nil {
			diags.AddAttributeError(path.Root(name), d.title+" Not Read", withPeriod(err.Error()))
		}
		values[name] = converted
	}
	return values, diags
}

// newObject returns an object with those of the values that its type has.
func newObject(of tftypes.Type, values map[string]tftypes.Value) tftypes.Value {
	picked := map[string]tftypes.Value{}
	if object, ok := of.(tftypes.Object); ok {
		for name := range object.AttributeTypes {
			picked[name] = values[name]
		}
	}
	return tftypes.NewValue(of, picked)
}

// nodeDataSource reads one node by its id or its name.
type nodeDataSource[M, T any] struct {
	dataSourceBase
	nodeData[M, T]
	description string
}

// Metadata returns the name of the type.
func (d *nodeDataSource[M, T]) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.typeName
}

// Schema returns the attributes, with an id and a name of which a configuration sets one.
func (d *nodeDataSource[M, T]) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	kind := strings.ToLower(d.title)
	attributes := maps.Clone(d.attributes)
	attributes["id"] = schema.StringAttribute{
		MarkdownDescription: fmt.Sprintf("UUID of the %s. Set either this or `name`.", kind),
		Optional:            true,
		Computed:            true,
		Validators:          append(requiredText(), stringvalidator.ExactlyOneOf(path.MatchRoot("id"), path.MatchRoot("name"))),
	}
	attributes["name"] = schema.StringAttribute{
		MarkdownDescription: fmt.Sprintf("Name of the %s. Set either this or `id`.", kind),
		Optional:            true,
		Computed:            true,
		Validators:          requiredText(),
	}
	resp.Schema = schema.Schema{MarkdownDescription: d.description, Attributes: attributes}
}

// Read looks the node up and copies its attributes from the model of the resource.
func (d *nodeDataSource[M, T]) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var id, name types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("id"), &id)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &name)...)
	known, diags := emptyModel[M](ctx, d.schema(ctx))
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	node, err := d.find(ctx, known, id, name)
	if err != nil {
		resp.Diagnostics.Append(d.notRead(id, name, err))
		return
	}
	values, diags := d.values(ctx, *node, known)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.State.Raw = newObject(resp.State.Schema.Type().TerraformType(ctx), values)
}

func (d *nodeDataSource[M, T]) find(ctx context.Context, known M, id, name types.String) (*T, error) {
	nodes := d.nodes(d.Client, known)
	if id.IsNull() {
		return nodes.GetByName(ctx, name.ValueString())
	}
	return nodes.Get(ctx, id.ValueString())
}

func (d *nodeDataSource[M, T]) notRead(id, name types.String, err error) diag.Diagnostic {
	attribute, given := "id", id
	if id.IsNull() {
		attribute, given = "name", name
	}
	object := fmt.Sprintf("%s %q on branch %s", d.title, given.ValueString(), d.Branch())
	switch {
	case errors.Is(err, infrahub.ErrNotFound):
		next := "Look it up in Infrahub, and check the branch of the provider."
		if !id.IsNull() && !isUUID(id.ValueString()) {
			next = "An id is a UUID, and names are not accepted in its place: set name to look it up by its name."
		}
		return diag.NewAttributeErrorDiagnostic(path.Root(attribute), d.title+" Not Found", fmt.Sprintf(
			"%s: Infrahub has none with this %s. %s", object, attribute, next))
	case errors.Is(err, infrahub.ErrAmbiguous):
		return diag.WithPath(path.Root(attribute), errorDiagnostic("Ambiguous Name", subject{object: object}, err))
	default:
		return errorDiagnostic(d.title+" Not Read", subject{object: object}, err)
	}
}
