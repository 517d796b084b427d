package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// The registries tell a CLI from the manifest whether it can use the provider, before it downloads it.
func TestServe_SpeaksTheProtocolOfTheManifest(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../terraform-registry-manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Version  int
		Metadata struct {
			ProtocolVersions []string `json:"protocol_versions"`
		}
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	started, stopped, failed := make(chan *plugin.ReattachConfig, 1), make(chan struct{}), make(chan error, 1)
	go func() { failed <- Serve("test", tf6server.WithDebug(ctx, started, stopped)) }()
	defer func() {
		stop()
		<-stopped
	}()
	select {
	case served := <-started:
		want := []string{fmt.Sprintf("%d.0", served.ProtocolVersion)}
		if diff := cmp.Diff(want, manifest.Metadata.ProtocolVersions); diff != "" || manifest.Version != 1 {
			t.Errorf("the manifest of format %d differs from what is served (-want +got):\n%s", manifest.Version, diff)
		}
	case err := <-failed:
		close(stopped)
		t.Fatalf("the server ended: %v", err)
	}
}

// Once StopProvider has returned, terraform-plugin-go sends no more events.
func TestProviderServer_InterruptedActionEndsBeforeTheStop(t *testing.T) {
	t.Parallel()
	a := newActionTest(t, actionCases()[0])
	a.hang()
	framework, ok := a.ProviderServer.(protocolServer)
	if !ok {
		t.Fatalf("%T serves no actions or list resources", a.ProviderServer)
	}
	server := newStoppableServer(framework)
	stream, err := server.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{
		ActionType: a.action, Config: a.encode(a.schemas.ActionSchemas[a.action].Schema, a.config(nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped, stopping := make(chan error, 1), false
	var result diagnostics
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			if strings.Contains(event.Message, ": RUNNING") && !stopping {
				stopping = true
				go func() {
					_, err := server.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{})
					stopped <- err
				}()
			}
		case tfprotov6.CompletedInvokeActionEventType:
			result = event.Diagnostics
			time.Sleep(50 * time.Millisecond) // enough for a stop that does not wait
			if len(stopped) > 0 {
				t.Error("the stop returned before the action had ended")
			}
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	result.onlyError(t).expect(t, "", "Import Not Finished", "The wait was interrupted.")
	if _, err := server.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{}); err != nil {
		t.Error(err)
	}
}
