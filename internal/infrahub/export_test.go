package infrahub

import (
	"context"
	"net"
	"net/http"
	"testing"
)

// IdleTimeout is how long a change waits for the end of earlier imports.
const IdleTimeout = idleTimeout

// ErrStillRunning returns the cause of an UnfinishedError of an import that nobody waited for.
func ErrStillRunning() error { return errStillRunning }

// DialThrough makes a client reach its server without sockets, which would stop the clock of a synctest bubble.
func DialThrough(t *testing.T, client *Client, dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	t.Helper()
	throttle, ok := client.graphql.http.HTTPClient.Transport.(*throttle)
	if !ok {
		t.Fatalf("no *throttle, but %T", client.graphql.http.HTTPClient.Transport)
	}
	next := throttle.next
	switch authenticator := next.(type) {
	case tokenAuth:
		next = authenticator.next
	case *sessionAuth:
		next = authenticator.next
	}
	buffered, _ := next.(bufferedTransport)
	network, ok := buffered.next.(*http.Transport)
	if !ok {
		t.Fatalf("no *http.Transport under %T", next)
	}
	network.DialContext = dial
}
