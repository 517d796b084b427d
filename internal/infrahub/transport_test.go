package infrahub

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// roundTrip is a RoundTripper in a test's own words.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

// body remembers whether it was closed.
type body struct {
	io.Reader
	closed bool
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.closed = true
	return nil
}

// An answer that comes just as the caller gives up is not read, but closed: else the timer of its request
// is left behind.
func TestTransport_AnswerToACanceledQueryIsClosed(t *testing.T) {
	t.Parallel()
	client, err := New(Config{Address: &url.URL{Scheme: "http", Host: "infrahub.test"}, Branch: "main", Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	answer := &body{Reader: strings.NewReader(`{"data": {}}`)}
	client.graphql.http.HTTPClient.Transport = roundTrip(func(request *http.Request) (*http.Response, error) {
		cancel()
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: answer, Request: request}, nil
	})
	if _, err := client.Connect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if !answer.closed {
		t.Error("the answer was not closed")
	}
}
