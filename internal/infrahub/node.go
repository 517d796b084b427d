package infrahub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/go-uuid"
)

// create sends a mutation that creates a node with an id that we choose, and returns that id. If the
// reply is lost the node is looked up by the id, and adopted where it is there: nothing is created
// twice, nothing is lost (infrahub.md, Writing 1).
func (c *Client) create(ctx context.Context, send, lookUp func(ctx context.Context, id string) error) (string, error) {
	id, err := uuid.GenerateUUID()
	if err != nil {
		return "", fmt.Errorf("choose an id: %w", err)
	}
	failure := send(ctx, id)
	for attempt := 0; failure != nil; attempt++ {
		if attempt == 0 && !lost(failure) {
			return "", failure
		}
		switch found := lookUp(context.WithoutCancel(ctx), id); {
		case found == nil:
			return id, nil
		case !errors.Is(found, ErrNotFound), ctx.Err() != nil, attempt == c.maxRetries:
			return "", failure
		}
		if !lost(failure) {
			if !idTaken(failure) {
				return "", failure
			}
			// The first try was carried out and undone: the connection check failed. An id is never free again.
			if id, err = uuid.GenerateUUID(); err != nil {
				return "", fmt.Errorf("choose an id: %w", err)
			}
		} else if err := sleep(ctx, backoff(shortestRetry, longestRetry, attempt, nil)); err != nil {
			return "", failure
		}
		failure = send(ctx, id)
	}
	return id, nil
}

// remove sends a mutation that deletes a node. If that fails the node is looked up: what is gone is
// deleted, whatever the server says about it (1.9 gives no codes).
func (c *Client) remove(send, lookUp func() error) error {
	failure := c.updated(send(), lookUp)
	if errors.Is(failure, ErrNotFound) {
		return nil
	}
	return failure
}

// updated is the error of a mutation of a node that should exist: ErrNotFound if it does not, by the
// server's code or, where it gives none, by a look (infrahub.md, Errors).
func (c *Client) updated(failure error, lookUp func() error) error {
	if failure == nil || errors.Is(failure, ErrNotFound) {
		return failure
	}
	if found := lookUp(); errors.Is(found, ErrNotFound) {
		return found
	}
	return failure
}

// lost reports whether a mutation that failed may have been carried out all the same.
func lost(err error) bool {
	var failure *Error
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Status {
	case 0, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return failure.serverError || errors.Is(err, ErrNotInfrahub)
	}
}

// idTaken reports whether a create was refused because of its id.
func idTaken(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Field == "id"
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
