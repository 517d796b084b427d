package mocktest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Pipes is a network with one server and without sockets, which would stop the clock of a synctest bubble.
// It implements net.Listener.
type Pipes struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// ServePipes serves a handler on pipes until the test ends.
func ServePipes(t testing.TB, handler http.Handler) *Pipes {
	t.Helper()
	p := &Pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
	front := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = front.Serve(p) }() // ends with http.ErrServerClosed
	t.Cleanup(func() { _ = front.Close() })
	return p
}

// Dial connects to the server, whatever the address.
func (p *Pipes) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.dialed <- there:
		return here, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *Pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.dialed:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *Pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *Pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }
