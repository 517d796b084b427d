package provider

import (
	"strings"
	"testing"
	"time"

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
