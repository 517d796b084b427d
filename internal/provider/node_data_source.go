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

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// nodeDataSource reads one node by its id or its name.
type nodeDataSource[M, T any] struct {
	dataSourceBase
	nodeKind[M, T]
	description string
	// attributes are what the data source shows of the node besides its id and name: attributes of the resource that have
	// the same name and type.
	attributes map[string]schema.Attribute
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
	resource := d.schema(ctx)
	known, diags := emptyModel[M](ctx, resource)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	node, err := d.find(ctx, known, id, name)
	if err != nil {
		resp.Diagnostics.Append(d.notRead(id, name, err))
		return
	}
	model := tfsdk.State{Schema: resource, Raw: nullObject(resource.Type().TerraformType(ctx))}
	resp.Diagnostics.Append(model.Set(ctx, d.flatten(*node, known))...)
	for attribute := range resp.State.Schema.GetAttributes() {
		var value attr.Value
		resp.Diagnostics.Append(model.GetAttribute(ctx, path.Root(attribute), &value)...)
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), value)...)
	}
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
