package infrahub

import (
	"context"
	"net"
	"net/http"
	"testing"
)

// IdleTimeout is how long a change waits for the end of earlier imports.
const IdleTimeout = idleTimeout

// DialThrough makes a client reach its server by other means than sockets, which would stop the clock
// of a synctest bubble.
func DialThrough(t *testing.T, client *Client, dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	t.Helper()
	through := client.graphql.http.HTTPClient.Transport
	switch authenticated := through.(type) {
	case tokenAuth:
		through = authenticated.next
	case *sessionAuth:
		through = authenticated.next
	}
	answers, _ := through.(bufferedTransport)
	network, ok := answers.next.(*http.Transport)
	if !ok {
		t.Fatalf("no *http.Transport under %T", through)
	}
	network.DialContext = dial
}
