package provider

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// nodeListDataSource reads all nodes that its filters pick, sorted by name.
type nodeListDataSource struct {
	dataSourceBase
	// typeName follows "infrahub_" in the name of the Terraform type. The list has the same name.
	typeName    string
	description string
	// filters are the attributes that pick nodes, besides names.
	filters []nodeFilter
	// attributes are what is shown of each node besides its id and name.
	attributes map[string]schema.Attribute
	// lists returns the lists to read.
	lists func(ctx context.Context, config tfsdk.Config) []nodeList
}

// nodeList yields the attributes of each node that a filter picks, page by page. An error ends it.
type nodeList func(ctx context.Context, client *infrahub.Client, filter infrahub.Filter) iter.Seq2[listedNode, error]

// listedNode are the attributes of a node.
type listedNode struct {
	values map[string]tftypes.Value
	diags  diag.Diagnostics
}

// text returns an attribute that is a text.
func (n listedNode) text(name string) string {
	var text *string
	if err := n.values[name].As(&text); err != nil || text == nil {
		return ""
	}
	return *text
}

// onlyList returns the lists of a data source that always reads one.
func onlyList(list nodeList) func(context.Context, tfsdk.Config) []nodeList {
	return func(context.Context, tfsdk.Config) []nodeList { return []nodeList{list} }
}

// list is the nodeList of the kind.
func (d nodeData[M, T]) list(ctx context.Context, client *infrahub.Client, filter infrahub.Filter) iter.Seq2[listedNode, error] {
	return func(yield func(listedNode, error) bool) {
		known, diags := emptyModel[M](ctx, d.schema(ctx))
		for node, err := range d.nodes(client, known).List(ctx, filter) {
			if err != nil {
				yield(listedNode{}, err)
				return
			}
			values, problems := d.values(ctx, node, known)
			if !yield(listedNode{values, append(problems, diags...)}, nil) {
				return
			}
		}
	}
}

// Metadata returns the name of the type.
func (d *nodeListDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.typeName
}

// Schema returns the filters and the list.
func (d *nodeListDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	each := maps.Clone(d.attributes)
	each["id"] = schema.StringAttribute{MarkdownDescription: "UUID of the object.", Computed: true}
	each["name"] = schema.StringAttribute{MarkdownDescription: "Name of the object.", Computed: true}
	attributes := map[string]schema.Attribute{}
	for _, filter := range d.filters {
		attributes[filter.attribute] = schema.StringAttribute{MarkdownDescription: filter.description, Optional: true, Validators: filter.validators}
	}
	attributes["names"] = schema.ListAttribute{
		MarkdownDescription: "Names to list. A name that does not exist is not in the list. Without it every name is listed.",
		ElementType:         types.StringType,
		Optional:            true,
		Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.ValueStringsAre(requiredText()...)},
	}
	attributes[d.typeName] = schema.ListNestedAttribute{
		MarkdownDescription: fmt.Sprintf("The %s that all filters pick, sorted by name; an empty list if there are none.", d.typeName),
		Computed:            true,
		NestedObject:        schema.NestedAttributeObject{Attributes: each},
	}
	resp.Schema = schema.Schema{MarkdownDescription: d.description, Attributes: attributes}
}

// Read lists the nodes. An error on any page fails it: a part of a list must not be taken for the whole.
func (d *nodeListDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	filter, diags := readFilter(ctx, d.Client, req.Config, d.filters)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	var nodes []listedNode
	for _, list := range d.lists(ctx, req.Config) {
		for node, err := range list(ctx, d.Client, filter) {
			if err != nil {
				resp.Diagnostics.Append(errorDiagnostic(
					strings.ToUpper(d.typeName[:1])+d.typeName[1:]+" Not Listed", subject{object: fmt.Sprintf("The %s on branch %s", d.typeName, d.Branch())}, err))
				return
			}
			resp.Diagnostics.Append(node.diags...)
			nodes = append(nodes, node)
		}
	}
	if resp.Diagnostics.HasError() {
		return
	}
	d.save(ctx, req.Config, nodes, &resp.State)
}

func (d *nodeListDataSource) save(ctx context.Context, config tfsdk.Config, nodes []listedNode, state *tfsdk.State) {
	slices.SortFunc(nodes, func(a, b listedNode) int {
		return cmp.Or(cmp.Compare(a.text("name"), b.text("name")), cmp.Compare(a.text("id"), b.text("id")))
	})
	object := state.Schema.Type().TerraformType(ctx)
	listType := state.Schema.GetAttributes()[d.typeName].GetType().TerraformType(ctx)
	elements := []tftypes.Value{}
	if list, ok := listType.(tftypes.List); ok {
		for _, node := range nodes {
			elements = append(elements, newObject(list.ElementType, node.values))
		}
	}
	values := map[string]tftypes.Value{}
	_ = config.Raw.As(&values) // a configuration is an object
	values[d.typeName] = tftypes.NewValue(listType, elements)
	state.Raw = newObject(object, values)
}
