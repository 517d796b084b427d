package infrahub

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// roundTripFunc is a function that implements http.RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripFunc) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// closeRecorder is a body that records whether it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
}

// Close implements io.Closer.
func (c *closeRecorder) Close() error {
	c.closed = true
	return nil
}

// newOffline returns a client of main whose server does not exist.
func newOffline(t *testing.T) *Client {
	t.Helper()
	client, err := New(Config{Address: &url.URL{Scheme: "http", Host: "infrahub.test"}, Branch: "main", Token: sensitive.New("token")})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A response that comes just as the caller gives up is not read but closed. Otherwise the timer of its request
// would leak.
func TestTransport_ResponseToACanceledQueryIsClosed(t *testing.T) {
	t.Parallel()
	client := newOffline(t)
	ctx, cancel := context.WithCancel(t.Context())
	body := &closeRecorder{Reader: strings.NewReader(`{"data": {}}`)}
	client.graphql.http.HTTPClient.Transport = roundTripFunc(func(request *http.Request) (*http.Response, error) {
		cancel()
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body, Request: request}, nil
	})
	if _, err := client.Connect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if !body.closed {
		t.Error("the response was not closed")
	}
}
