package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func newServerDataSource() datasource.DataSource { return &serverDataSource{} }

// serverDataSource shows what the provider learned when it connected. It sends nothing.
type serverDataSource struct {
	dataSourceBase
}

type serverModel struct {
	Version      types.String `tfsdk:"version"`
	DeploymentID types.String `tfsdk:"deployment_id"`
	Address      types.String `tfsdk:"address"`
	Branch       types.String `tfsdk:"branch"`
}

func (d *serverDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_server"
}

func (d *serverDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The Infrahub server that the provider is connected to.",
		Attributes: map[string]schema.Attribute{
			"version":       schema.StringAttribute{MarkdownDescription: "Version of Infrahub, such as `1.11.9`.", Computed: true},
			"deployment_id": schema.StringAttribute{MarkdownDescription: "Id of the installation, which stays the same over updates.", Computed: true},
			"address":       schema.StringAttribute{MarkdownDescription: "URL of the server, as the provider block or the environment sets it.", Computed: true},
			"branch":        schema.StringAttribute{MarkdownDescription: "Branch that the provider works on.", Computed: true},
		},
	}
}

func (d *serverDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	resp.Diagnostics.Append(resp.State.Set(ctx, serverModel{
		Version:      types.StringValue(d.version),
		DeploymentID: types.StringValue(d.deploymentID),
		Address:      types.StringValue(d.address),
		Branch:       types.StringValue(d.Branch()),
	})...)
}
