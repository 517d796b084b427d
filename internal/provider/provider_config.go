package provider

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// The environment variables that replace attributes of the provider block that are not set.
const (
	addressVariable   = "INFRAHUB_ADDRESS"
	tokenVariable     = "INFRAHUB_API_TOKEN"
	usernameVariable  = "INFRAHUB_USERNAME"
	passwordVariable  = "INFRAHUB_PASSWORD"
	branchVariable    = "INFRAHUB_DEFAULT_BRANCH"
	timeoutVariable   = "INFRAHUB_TIMEOUT"
	retriesVariable   = "INFRAHUB_MAX_RETRIES"
	requestsVariable  = "INFRAHUB_MAX_CONCURRENT_REQUESTS"
	insecureVariable  = "INFRAHUB_TLS_INSECURE"
	authorityVariable = "INFRAHUB_TLS_CA_FILE"
	proxyVariable     = "INFRAHUB_PROXY"
	waitVariable      = "INFRAHUB_WAIT_FOR_IMPORT"
	adoptVariable     = "INFRAHUB_ADOPT_EXISTING"

	gitUsernameVariable = "INFRAHUB_GIT_USERNAME"
	gitTokenVariable    = "INFRAHUB_GIT_TOKEN"
	gitHostsVariable    = "INFRAHUB_GIT_HOSTS"
)

type providerModel struct {
	Address       types.String `tfsdk:"address"`
	APIToken      types.String `tfsdk:"api_token"`
	Username      types.String `tfsdk:"username"`
	Password      types.String `tfsdk:"password"`
	Branch        types.String `tfsdk:"branch"`
	Timeout       types.Int64  `tfsdk:"timeout"`
	MaxRetries    types.Int64  `tfsdk:"max_retries"`
	MaxRequests   types.Int64  `tfsdk:"max_concurrent_requests"`
	TLSInsecure   types.Bool   `tfsdk:"tls_insecure"`
	TLSCAFile     types.String `tfsdk:"tls_ca_file"`
	TLSCAPEM      types.String `tfsdk:"tls_ca_pem"`
	Proxy         types.String `tfsdk:"proxy"`
	GitUsername   types.String `tfsdk:"git_username"`
	GitToken      types.String `tfsdk:"git_token"`
	GitHosts      types.Set    `tfsdk:"git_hosts"`
	WaitForImport types.Bool   `tfsdk:"wait_for_import"`
	AdoptExisting types.Bool   `tfsdk:"adopt_existing"`
}

// providerConfig is the configuration that the provider block and the environment result in.
type providerConfig struct {
	infrahub.Config
	waitForImport bool
	adoptExisting bool
	gitUsername   string
	gitToken      sensitive.Text
	gitHosts      []string
}

// readConfig reads the provider block and, for what is not set there, the environment. A value that is not known yet is an
// error, and the environment never replaces it.
func readConfig(ctx context.Context, block tfsdk.Config) (providerConfig, diag.Diagnostics) {
	var model providerModel
	diags := block.Get(ctx, &model)
	if diags.HasError() {
		return providerConfig{}, diags
	}
	r := &configReader{diags: diags}
	config := providerConfig{
		Config: infrahub.Config{
			Address:     r.address(model.Address),
			Branch:      r.text("branch", model.Branch, branchVariable, "main"),
			Timeout:     time.Duration(r.number("timeout", model.Timeout, timeoutVariable, 60, 1, 3600)) * time.Second,
			MaxRetries:  int(r.number("max_retries", model.MaxRetries, retriesVariable, 5, 0, 100)),
			Concurrency: int(r.number("max_concurrent_requests", model.MaxRequests, requestsVariable, 10, 1, 100)),
		},
		waitForImport: r.boolean("wait_for_import", model.WaitForImport, waitVariable, true),
		adoptExisting: r.boolean("adopt_existing", model.AdoptExisting, adoptVariable, false),
		gitUsername:   r.text("git_username", model.GitUsername, gitUsernameVariable, ""),
		gitToken:      sensitive.New(r.text("git_token", model.GitToken, gitTokenVariable, "")),
	}
	config.gitHosts = r.hosts(ctx, model.GitHosts)
	r.authentication(model, &config.Config)
	r.network(model, &config.Network)
	return config, r.diags
}

// configReader reads attributes and collects what is wrong with them.
type configReader struct {
	diags diag.Diagnostics
}

// isSet reports whether an attribute is set. An unknown value is an error: it must not count as one that is not set.
func (r *configReader) isSet(name string, value basetypes.StringValuable) bool {
	if value.IsUnknown() {
		r.unknown(name)
		return false
	}
	return !value.IsNull()
}

func (r *configReader) unknown(name string) {
	r.diags.AddAttributeError(path.Root(name), "Unknown Provider Configuration",
		fmt.Sprintf("The value of %q is not known until other resources are applied, and the provider needs it to plan. "+
			"Apply what it comes from first (-target), or set it by a variable or the environment.", name))
}

// text returns a setting without the white space around it: tokens from files and from CI secrets often end in a line break.
func (r *configReader) text(name string, value types.String, variable, otherwise string) string {
	if r.isSet(name, value) {
		return strings.TrimSpace(value.ValueString())
	}
	if set := environment(variable); set != "" && !value.IsUnknown() {
		return set
	}
	return otherwise
}

// environment returns a variable without the white space around it. A blank one is not set.
func environment(variable string) string { return strings.TrimSpace(os.Getenv(variable)) }

// hosts returns the hosts that git_token is meant for. In the environment there are commas between them.
func (r *configReader) hosts(ctx context.Context, value types.Set) []string {
	var hosts []string
	switch {
	case value.IsUnknown():
		r.unknown("git_hosts")
	case value.IsNull():
		hosts = strings.FieldsFunc(environment(gitHostsVariable), func(c rune) bool { return c == ',' || c == ' ' })
	default:
		r.diags.Append(value.ElementsAs(ctx, &hosts, false)...)
	}
	for _, host := range hosts {
		if fault := hostFault(host); fault != "" {
			r.invalid("git_hosts", gitHostsVariable, fault)
		}
	}
	return hosts
}

// hostFault returns what is wrong with a host, "" if nothing is.
func hostFault(host string) string {
	parsed, err := url.Parse("https://" + host)
	if err != nil || host == "" || parsed.Host != host || parsed.Hostname() == "" || strings.Contains(host, "*") {
		return fmt.Sprintf("%q is no host, such as git.example.com or git.example.com:8443.", host)
	}
	return ""
}

func (r *configReader) number(name string, value types.Int64, variable string, otherwise, least, most int64) int64 {
	text := r.text(name, asText(value), variable, strconv.FormatInt(otherwise, 10))
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < least || number > most {
		r.invalid(name, variable, fmt.Sprintf("%q is not a whole number from %d to %d.", text, least, most))
		return otherwise
	}
	return number
}

func (r *configReader) boolean(name string, value types.Bool, variable string, otherwise bool) bool {
	text := r.text(name, asText(value), variable, strconv.FormatBool(otherwise))
	parsed, err := strconv.ParseBool(text)
	if err != nil {
		r.invalid(name, variable, fmt.Sprintf("%q is neither true nor false.", text))
		return otherwise
	}
	return parsed
}

// asText returns a number or a boolean as the environment writes it.
func asText(value interface {
	IsNull() bool
	IsUnknown() bool
	String() string
},
) types.String {
	switch {
	case value.IsUnknown():
		return types.StringUnknown()
	case value.IsNull():
		return types.StringNull()
	default:
		return types.StringValue(value.String())
	}
}

func (r *configReader) invalid(name, variable, detail string) {
	r.diags.AddAttributeError(path.Root(name), "Invalid Provider Configuration",
		fmt.Sprintf("%s Correct %q in the provider block, or the environment variable %s.", detail, name, variable))
}

func (r *configReader) address(value types.String) *url.URL {
	text := r.text("address", value, addressVariable, "")
	if text == "" {
		if !value.IsUnknown() {
			r.missing("address", addressVariable, "the URL of the Infrahub server", "It looks like https://infrahub.example.com. Without a server, "+
				"try the provider with infrahub-mock: the provider's guide \"Getting started\" shows how.")
		}
		return &url.URL{}
	}
	address, err := parseAddress(text)
	if err != nil {
		r.invalid("address", addressVariable, fmt.Sprintf("The URL cannot be used: %v.", err))
		return &url.URL{}
	}
	if address.User != nil {
		r.invalid("address", addressVariable, "The URL holds a username: log in with username and password, or api_token.")
	}
	return address
}

func (r *configReader) missing(name, variable, what, hint string) {
	detail := fmt.Sprintf("The provider needs %s: set %q in the provider block, or the environment variable %s.", what, name, variable)
	if hint != "" {
		detail += "\n\n" + hint
	}
	r.diags.AddAttributeError(path.Root(name), "Missing Provider Configuration", detail)
}

// authentication reads a token or a login from the provider block or, if it has neither, from the environment. Both from one
// source are an error; oneAuthentication checks the block.
func (r *configReader) authentication(model providerModel, config *infrahub.Config) {
	token, username, password := r.isSet("api_token", model.APIToken), r.isSet("username", model.Username), r.isSet("password", model.Password)
	if model.APIToken.IsUnknown() || model.Username.IsUnknown() || model.Password.IsUnknown() {
		return
	}
	config.Token = sensitive.New(strings.TrimSpace(model.APIToken.ValueString()))
	config.Username, config.Password = strings.TrimSpace(model.Username.ValueString()), sensitive.New(strings.TrimSpace(model.Password.ValueString()))
	if token {
		return
	}
	if !username && !password {
		config.Token = sensitive.New(environment(tokenVariable))
		config.Username, config.Password = environment(usernameVariable), sensitive.New(environment(passwordVariable))
		switch {
		case config.Token.IsEmpty() && config.Username == "" && config.Password.IsEmpty():
			r.missing("api_token", tokenVariable, "an API token, or a username and a password", "Create a token in Infrahub, in the settings of your account.")
			return
		case !config.Token.IsEmpty() && (config.Username != "" || !config.Password.IsEmpty()):
			r.diags.AddAttributeError(path.Root("api_token"), "Conflicting Provider Configuration",
				fmt.Sprintf("The environment sets both %s and a login (%s, %s). Unset one of the two.", tokenVariable, usernameVariable, passwordVariable))
			return
		case !config.Token.IsEmpty():
			return
		}
	}
	if config.Username == "" {
		if config.Username = environment(usernameVariable); config.Username == "" {
			r.missing("username", usernameVariable, "the username that the password belongs to", "")
		}
	}
	if config.Password.IsEmpty() {
		if config.Password = sensitive.New(environment(passwordVariable)); config.Password.IsEmpty() {
			r.missing("password", passwordVariable, "the password of the username", "")
		}
	}
}

func (r *configReader) network(model providerModel, network *infrahub.Network) {
	network.Insecure = r.boolean("tls_insecure", model.TLSInsecure, insecureVariable, false)
	if network.Insecure {
		r.diags.AddAttributeWarning(path.Root("tls_insecure"), "Certificates Are Not Checked",
			"Anyone between here and the server can read the credentials and change the answers. Trust the server's authority by tls_ca_file or tls_ca_pem instead.")
	}
	if text := r.text("proxy", model.Proxy, proxyVariable, ""); text != "" {
		proxy, err := parseHTTPURL(text)
		if err != nil {
			r.invalid("proxy", proxyVariable, fmt.Sprintf("The URL cannot be used: %v.", err))
		}
		network.Proxy = sensitive.NewURL(proxy)
	}
	if r.isSet("tls_ca_pem", model.TLSCAPEM) {
		network.CACertificatesPEM = []byte(model.TLSCAPEM.ValueString())
		return
	}
	if model.TLSCAPEM.IsUnknown() {
		return
	}
	if file := r.text("tls_ca_file", model.TLSCAFile, authorityVariable, ""); file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			r.invalid("tls_ca_file", authorityVariable, fmt.Sprintf("The file cannot be read: %v.", err))
		} else if !x509.NewCertPool().AppendCertsFromPEM(content) {
			r.invalid("tls_ca_file", authorityVariable, "The file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).")
		}
		network.CACertificatesPEM = content
	}
}

// oneAuthentication refuses a provider block that has both a token and a login.
type oneAuthentication struct{}

func (oneAuthentication) Description(context.Context) string {
	return "api_token, or username and password, but not both"
}

func (v oneAuthentication) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (oneAuthentication) ValidateProvider(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() || model.APIToken.IsNull() || model.APIToken.IsUnknown() {
		return
	}
	for name, value := range map[string]types.String{"username": model.Username, "password": model.Password} {
		if !value.IsNull() && !value.IsUnknown() {
			resp.Diagnostics.AddAttributeError(path.Root(name), "Conflicting Provider Configuration",
				fmt.Sprintf("The provider block sets both \"api_token\" and %q. Remove the token, or the username and the password.", name))
		}
	}
}
