// Package provider is Terraform's side: what a configuration says becomes operations of the client in
// package infrahub, and what the client reads becomes state. It knows nothing of HTTP or GraphQL.
package provider

import (
	"context"
	"net"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// Address is where registries list the provider.
const Address = "registry.terraform.io/infrahub-community/infrahub"

var (
	_ provider.Provider                     = (*infrahubProvider)(nil)
	_ provider.ProviderWithConfigValidators = (*infrahubProvider)(nil)
	_ provider.ProviderWithListResources    = (*infrahubProvider)(nil)
	_ provider.ProviderWithActions          = (*infrahubProvider)(nil)
)

type infrahubProvider struct {
	version string
	// polling replaces the client's own pace of waiting for imports in tests.
	polling infrahub.Polling
	// dial replaces TCP in tests.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns a constructor of the provider in one version.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &infrahubProvider{version: version} }
}

// providerData is what Configure hands to resources, data sources, list resources and actions.
type providerData struct {
	*infrahub.Client
	// waitForImport is the default for resources that do not set wait_for_import.
	waitForImport bool
	// address, version and deploymentID describe the server.
	address, version, deploymentID string
	// adoptExisting is the default for resources that do not set adopt_existing.
	adoptExisting bool
	adopted       adoptedNodes
	// branch is the provider's branch; of a missing one only the name is known.
	branch infrahub.Branch
	// branchMissing is whether the branch did not exist when the provider was configured.
	branchMissing bool
	// git holds the settings for Git remotes; the location is added for each.
	git gitremote.Remote
	// timeout bounds one request to a Git remote.
	timeout time.Duration
}

func (p *infrahubProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "infrahub"
	resp.Version = p.version
}

func (p *infrahubProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages the Git integration of [Infrahub](https://docs.infrahub.app): the repositories that it imports schemas, " +
			"queries, transforms and checks from, the refs that these are pinned to, and their credentials. " +
			"An apply is done only when Infrahub has really imported the commit, or it says why it has not.",
		Attributes: map[string]schema.Attribute{
			"address": schema.StringAttribute{
				MarkdownDescription: "URL of the Infrahub server, such as `https://infrahub.example.com`. Required. " + orEnvironment(addressVariable),
				Optional:            true,
				Validators:          []validator.String{httpURL{parseAddress}},
			},
			"api_token": schema.StringAttribute{
				MarkdownDescription: "API token of an Infrahub account. Without it the provider logs in with `username` and `password`. " + orEnvironment(tokenVariable),
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{notBlank()},
			},
			"username": schema.StringAttribute{
				MarkdownDescription: "Name of the Infrahub account to log in as. Without it `api_token` is needed. " + orEnvironment(usernameVariable),
				Optional:            true,
				Validators:          []validator.String{notBlank()},
			},
			"password": schema.StringAttribute{
				MarkdownDescription: "Password of the account in `username`, and required with it. " + orEnvironment(passwordVariable),
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{notBlank()},
			},
			"branch": schema.StringAttribute{
				MarkdownDescription: "Infrahub branch to work on; it must exist. Defaults to `main`. " + orEnvironment(branchVariable),
				Optional:            true,
				Validators:          []validator.String{notBlank()},
			},
			"timeout": schema.Int64Attribute{
				MarkdownDescription: "Seconds that one request may take. Defaults to 60. " + orEnvironment(timeoutVariable),
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 3600)},
			},
			"max_retries": schema.Int64Attribute{
				MarkdownDescription: "How often a request is repeated that got no answer, or that a busy server refused. Refusals with the status 429 are repeated for two minutes, unless this is 0. Defaults to 5. " + orEnvironment(retriesVariable),
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(0, 100)},
			},
			"max_concurrent_requests": schema.Int64Attribute{
				MarkdownDescription: "How many requests to Infrahub are under way at once. Lower it to spare a small server. Defaults to 10, which is how many operations Terraform runs at once. " + orEnvironment(requestsVariable),
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 100)},
			},
			"tls_insecure": schema.BoolAttribute{
				MarkdownDescription: "Whether to accept any certificate of the server. Defaults to `false`. If `true`, anyone on the way can read the credentials: set `tls_ca_file` instead where you can. " + orEnvironment(insecureVariable),
				Optional:            true,
			},
			"tls_ca_file": schema.StringAttribute{
				MarkdownDescription: "Path of a PEM file with certificates of authorities to trust besides those of the system. Without it those of the system are trusted alone. " + orEnvironment(authorityVariable),
				Optional:            true,
				Validators: []validator.String{
					notBlank(),
					stringvalidator.ConflictsWith(path.MatchRoot("tls_ca_pem")),
				},
			},
			"tls_ca_pem": schema.StringAttribute{
				MarkdownDescription: "PEM text of certificates of authorities to trust besides those of the system, instead of `tls_ca_file`. Without it that file is read, if it is set.",
				Optional:            true,
				Validators:          []validator.String{notBlank()},
			},
			"proxy": schema.StringAttribute{
				MarkdownDescription: "URL of a proxy for all requests. " + orEnvironment(proxyVariable) + " Without it `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` hold.",
				Optional:            true,
				Validators:          []validator.String{httpURL{parseHTTPURL}},
			},
			"git_username": schema.StringAttribute{
				MarkdownDescription: "Username for Git remotes that the provider itself asks for refs (`resolve_ref` and `infrahub_git_ref`), over http and https, and only if a remote wants one. Defaults to `git`, which does for most hosts. " + orEnvironment(gitUsernameVariable),
				Optional:            true,
				Validators:          []validator.String{notBlank()},
			},
			"git_token": schema.StringAttribute{
				MarkdownDescription: "Token or password that goes with `git_username`. Without it only public remotes answer over http and https. It is shown to a remote that asks for one if `git_hosts` has its host, and never to Infrahub, whose own access is a matter of `credential_id`. Over ssh the keys of your SSH agent are used instead. " + orEnvironment(gitTokenVariable),
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{notBlank()},
			},
			"git_hosts": schema.SetAttribute{
				MarkdownDescription: "Hosts that `git_token` is meant for, such as `git.example.com` or `git.example.com:8443`: no other one gets it, whatever a `location` says. Defaults to every host over https, and over http to the machine itself alone. " + orEnvironment(gitHostsVariable) + " There, commas stand between hosts.",
				Optional:            true,
				ElementType:         types.StringType,
			},
			"wait_for_import": schema.BoolAttribute{
				MarkdownDescription: "Whether an apply waits until Infrahub has imported what it changed. Defaults to `true`; a resource can say otherwise for itself. " + orEnvironment(waitVariable),
				Optional:            true,
			},
			"adopt_existing": schema.BoolAttribute{
				MarkdownDescription: "Whether a create adopts an object that exists in Infrahub with the same name, for a repository also the same location, for a proposed change the same branches, and brings it to the configuration, instead of failing. " +
					"Holds for credentials, repositories of both kinds, tags, branches and proposed changes. Defaults to `false`; a resource can say otherwise for itself. " + orEnvironment(adoptVariable),
				Optional: true,
			},
		},
	}
}

func orEnvironment(variable string) string {
	return "Can be set by the environment variable `" + variable + "`."
}

func (p *infrahubProvider) ConfigValidators(context.Context) []provider.ConfigValidator {
	return []provider.ConfigValidator{oneAuthentication{}}
}

// Configure makes the client and connects, so that a bad token, address or branch is reported once, not once per resource.
func (p *infrahubProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	config, diags := readConfig(ctx, req.Config)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	config.UserAgent = "terraform-provider-infrahub/" + p.version + " Terraform/" + req.TerraformVersion
	config.Logger = newLogger()
	config.Polling, config.Network.Dial = p.polling, p.dial
	connected, err := connect(ctx, config)
	if err != nil {
		resp.Diagnostics.Append(connectDiagnostic(config.Config, err))
		return
	}
	if connected.branchMissing {
		resp.Diagnostics.Append(branchMissing(connected.branch.Name))
	}
	if connected.branch.Merged() {
		resp.Diagnostics.Append(diag.WithPath(path.Root("branch"), branchMerged(connected.branch.Name)))
	}
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData = connected, connected, connected
	resp.ListResourceData, resp.ActionData = connected, connected
}

func connect(ctx context.Context, config providerConfig) (*providerData, error) {
	client, err := infrahub.New(config.Config)
	if err != nil {
		return nil, err
	}
	server, err := client.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &providerData{
		address: config.Address.String(), version: server.Version, deploymentID: server.DeploymentID,
		Client: client, waitForImport: config.waitForImport, adoptExisting: config.adoptExisting, branch: server.Branch, branchMissing: server.BranchMissing, timeout: config.Timeout,
		git: gitremote.Remote{
			Username: config.gitUsername, Token: config.gitToken, TokenHosts: config.gitHosts,
			Proxy: config.Network.Proxy, CACertificatesPEM: config.Network.CACertificatesPEM, Insecure: config.Network.Insecure,
		},
	}, nil
}

func (p *infrahubProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		newBranchResource,
		newPasswordCredentialResource,
		newProposedChangeResource,
		newReadOnlyRepositoryRefResource,
		newReadOnlyRepositoryResource,
		newReleaseResource,
		newRepositoryResource,
		newTagResource,
	}
}

func (p *infrahubProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newBranchDataSource,
		newBranchesDataSource,
		newGitRefDataSource,
		newPasswordCredentialDataSource,
		newProposedChangeDataSource,
		newReadOnlyRepositoryDataSource,
		newRepositoriesDataSource,
		newRepositoryDataSource,
		newRepositoryTasksDataSource,
		newServerDataSource,
		newTagDataSource,
		newTagsDataSource,
	}
}

func (p *infrahubProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{
		newBranchListResource,
		newPasswordCredentialListResource,
		newReadOnlyRepositoryListResource,
		newRepositoryListResource,
		newTagListResource,
	}
}

func (p *infrahubProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{
		newCheckConnectivityAction,
		newImportLatestCommitAction,
		newReimportAction,
	}
}

// resourceBase is embedded by every resource and list resource. While a configuration is only validated, providerData is nil.
type resourceBase struct {
	*providerData
}

// Configure takes what the provider hands over.
func (b *resourceBase) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	b.providerData = providerDataFrom(req.ProviderData, &resp.Diagnostics)
}

// dataSourceBase is embedded by every data source.
type dataSourceBase struct {
	*providerData
}

// Configure takes what the provider hands over.
func (b *dataSourceBase) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	b.providerData = providerDataFrom(req.ProviderData, &resp.Diagnostics)
}

func providerDataFrom(data any, diags *diag.Diagnostics) *providerData {
	configured, ok := data.(*providerData)
	if data != nil && !ok {
		diags.AddError("Unexpected Provider Data", "The provider handed over something else than its own data. This is a bug of the provider: please report it.")
	}
	return configured
}
