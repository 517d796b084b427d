package provider

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// Serve serves the provider in one version until the CLI is done with it.
func Serve(version string, options ...tf6server.ServeOpt) error {
	return tf6server.Serve(Address, func() tfprotov6.ProviderServer {
		served := providerserver.NewProtocol6(New(version)())()
		if whole, ok := served.(protocolServer); ok {
			return newStoppableServer(whole)
		}
		return served
	}, options...)
}

// protocolServer is what the framework makes of the provider.
type protocolServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
}

// stopTimeout bounds how long an interrupt waits for the end of actions. They end at once, unless a mutation is in flight.
const stopTimeout = 5 * time.Second

// stoppableServer lets interrupted actions end before the connection to the CLI is closed. Without it terraform-plugin-go (0.31)
// drops how an interrupted action ended, and Terraform (1.15) reports success.
type stoppableServer struct {
	protocolServer
	mu sync.Mutex
	// invocations holds a channel for each action that runs, which is closed when the action has ended.
	invocations map[chan struct{}]bool
}

func newStoppableServer(served protocolServer) *stoppableServer {
	return &stoppableServer{protocolServer: served, invocations: map[chan struct{}]bool{}}
}

// InvokeAction notes that the action runs until its last event was sent.
func (s *stoppableServer) InvokeAction(ctx context.Context, req *tfprotov6.InvokeActionRequest) (*tfprotov6.InvokeActionServerStream, error) {
	stream, err := s.protocolServer.InvokeAction(ctx, req)
	if err != nil {
		return nil, err
	}
	events, ended := stream.Events, make(chan struct{})
	s.note(ended, true)
	return &tfprotov6.InvokeActionServerStream{Events: func(push func(tfprotov6.InvokeActionEvent) bool) {
		defer func() {
			s.note(ended, false)
			close(ended)
		}()
		events(push)
	}}, nil
}

func (s *stoppableServer) note(invocation chan struct{}, runs bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if runs {
		s.invocations[invocation] = true
	} else {
		delete(s.invocations, invocation)
	}
}

func (s *stoppableServer) running() []chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	var running []chan struct{}
	for invocation := range s.invocations {
		running = append(running, invocation)
	}
	return running
}

// StopProvider cancels what runs, and returns once every action has ended.
func (s *stoppableServer) StopProvider(ctx context.Context, req *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	resp, err := s.protocolServer.StopProvider(ctx, req)
	timeout := time.NewTimer(stopTimeout)
	defer timeout.Stop()
	for _, ended := range s.running() {
		select {
		case <-ended:
		case <-timeout.C:
			return resp, err
		case <-ctx.Done():
			return resp, err
		}
	}
	return resp, err
}
