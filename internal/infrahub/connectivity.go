package infrahub

import (
	"context"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// ConnectivityError is a repository whose remote the server does not reach.
type ConnectivityError struct {
	// Reason is why, in the server's words.
	Reason string
	// Cause classifies the reason.
	Cause Cause
	// RequestID is the request id of the check.
	RequestID string
}

func (e *ConnectivityError) Error() string { return e.Reason }

// CheckConnectivity lets the server connect to the remote of a repository; operational_status follows (infrahub-behaviour.md,
// Importing 5). It returns a *ConnectivityError if that failed, or else why the check itself failed.
func (c *Client) CheckConnectivity(ctx context.Context, id string) error {
	var requestID string
	resp, err := graphql.CheckConnectivity(withRequestID(ctx, &requestID), c.graphql, id)
	if err != nil {
		return err
	}
	if check := resp.InfrahubRepositoryConnectivity; check != nil && !check.Ok {
		refusal := exception{message: check.Message}
		return &ConnectivityError{Reason: refusal.reason(), Cause: refusal.cause(), RequestID: requestID}
	}
	return nil
}
