package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

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
	stopped, stopping := make(chan error), false
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
			select {
			case <-stopped:
				t.Error("the stop returned before the action had ended")
			default:
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
