// Serverless is a provider with the schemas of this one that asks no server: what it plans is what it has. It shows what the
// framework and the CLI cost.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	framework "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/provider"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve serves the provider with the settings that the program of the real one has, so that these are no difference.
func serve() error {
	for _, name := range []string{"TF_LOG_SDK", "TF_LOG_PROVIDER"} {
		if err := os.Setenv(name, "OFF"); err != nil {
			return err
		}
	}
	debug.SetGCPercent(400)
	described, ok := provider.New("benchmark")().(description)
	if !ok {
		return errors.New("the provider has no list resources or no actions any more")
	}
	return providerserver.Serve(context.Background(), func() framework.Provider { return serverless{described} },
		providerserver.ServeOpts{Address: provider.Address, ProtocolVersion: 6})
}

// description is what the schemas of a provider come from.
type description interface {
	framework.ProviderWithConfigValidators
	framework.ProviderWithListResources
	framework.ProviderWithActions
}

type serverless struct{ description }

// Configure connects to nothing.
func (serverless) Configure(context.Context, framework.ConfigureRequest, *framework.ConfigureResponse) {
}

// Resources returns the provider's resources without what they do.
func (s serverless) Resources(ctx context.Context) []func() resource.Resource {
	constructors := s.description.Resources(ctx)
	for i, construct := range constructors {
		constructors[i] = func() resource.Resource {
			described, ok := construct().(resource.ResourceWithIdentity)
			if !ok {
				return construct()
			}
			return stored{described}
		}
	}
	return constructors
}

// stored is a resource that exists in the state alone.
type stored struct {
	described resource.ResourceWithIdentity
}

// Metadata returns the type name of the resource.
func (s stored) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	s.described.Metadata(ctx, req, resp)
}

// Schema returns the schema of the resource.
func (s stored) Schema(ctx context.Context, req resource.SchemaRequest, resp *resource.SchemaResponse) {
	s.described.Schema(ctx, req, resp)
}

// IdentitySchema returns the schema of the identity of the resource.
func (s stored) IdentitySchema(ctx context.Context, req resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	s.described.IdentitySchema(ctx, req, resp)
}

// Create keeps the plan, with an id.
func (stored) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	id := uuid.NewString()
	keep(req.Plan, &resp.State)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
	resp.Diagnostics.Append(identify(ctx, resp.Identity, id)...)
}

// Read leaves the state as it is.
func (stored) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var id string
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
	resp.Diagnostics.Append(identify(ctx, resp.Identity, id)...)
}

// Update keeps the plan.
func (stored) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var id string
	keep(req.Plan, &resp.State)
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
	resp.Diagnostics.Append(identify(ctx, resp.Identity, id)...)
}

// Delete does nothing: the framework removes the state.
func (stored) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

func identify(ctx context.Context, identity *tfsdk.ResourceIdentity, id string) diag.Diagnostics {
	if identity == nil {
		return nil
	}
	return identity.SetAttribute(ctx, path.Root("id"), id)
}

// keep writes a plan into the state. A text that was not known becomes one as long as a commit; anything else becomes null.
func keep(plan tfsdk.Plan, state *tfsdk.State) {
	known, err := tftypes.Transform(plan.Raw, func(_ *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		switch {
		case value.IsKnown():
			return value, nil
		case value.Type().Is(tftypes.String):
			return tftypes.NewValue(tftypes.String, strings.Repeat("0", 40)), nil
		default:
			return tftypes.NewValue(value.Type(), nil), nil
		}
	})
	if err != nil {
		known = plan.Raw // the CLI refuses what is not known
	}
	state.Raw = known
}
