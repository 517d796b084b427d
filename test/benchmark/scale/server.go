package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	gitserver "github.com/go-git/go-git/v5/plumbing/transport/server"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing/cache"

	releases "github.com/infrahub-community/terraform-provider-infrahub/internal/gitserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// server is a mock Infrahub on loopback that counts what the provider sends and receives.
type server struct {
	mock    *mockserver.Server
	log     *mockserver.Recorder
	serving *http.Server
	address string
	// latency is after how many nanoseconds the server begins to respond.
	latency atomic.Int64
	// transferred is how many bytes went over its connections, in both directions.
	transferred atomic.Int64
}

// startServer starts a mock server whose imports take as long as the delay says.
func startServer(ctx context.Context, delay mockserver.Delay) (*server, error) {
	mock, err := mockserver.New(mockserver.Options{Delay: delay})
	if err != nil {
		return nil, err
	}
	s := &server{mock: mock}
	s.log = mockserver.Record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(s.latency.Load()))
		mock.ServeHTTP(w, r)
	}))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		mock.Close()
		return nil, err
	}
	s.address = "http://" + listener.Addr().String()
	s.serving = &http.Server{Handler: s.log, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.serving.Serve(countingListener{listener, &s.transferred}) }() // ends with http.ErrServerClosed
	return s, nil
}

func (s *server) close() {
	_ = s.serving.Close()
	s.mock.Close()
}

// reset forgets what was counted.
func (s *server) reset() {
	s.log.Reset()
	s.transferred.Store(0)
}

// ask sends a query past the log and past the network, and decodes its data.
func (s *server) ask(ctx context.Context, query string, data any) error {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return err
	}
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql/main", strings.NewReader(string(body)))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Infrahub-Key", mockserver.DefaultToken)
	response := httptest.NewRecorder()
	s.mock.ServeHTTP(response, request)
	if response.Code != http.StatusOK {
		return fmt.Errorf("the mock answers %d: %s", response.Code, response.Body)
	}
	return json.Unmarshal(response.Body.Bytes(), &struct{ Data any }{data})
}

// waitForTasks waits until no task is scheduled or running, so that no measurement waits for the tasks of the one before.
func (s *server) waitForTasks(ctx context.Context) error {
	for {
		var running struct{ InfrahubTask struct{ Count int } }
		if err := s.ask(ctx, `{ InfrahubTask(state: [SCHEDULED PENDING RUNNING]) { count } }`, &running); err != nil {
			return err
		}
		if running.InfrahubTask.Count == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

type countingListener struct {
	net.Listener
	count *atomic.Int64
}

// Accept implements net.Listener.
func (l countingListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{accepted, l.count}, nil
}

type countingConn struct {
	net.Conn
	count *atomic.Int64
}

// Read implements net.Conn.
func (c countingConn) Read(content []byte) (int, error) {
	n, err := c.Conn.Read(content)
	c.count.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (c countingConn) Write(content []byte) (int, error) {
	n, err := c.Conn.Write(content)
	c.count.Add(int64(n))
	return n, err
}

// serveGit makes one repository with the releases v1.0.0 and v1.1.0 be every repository on disk, whatever its path, without a
// process of its own for each fetch. So a thousand repositories cost the mock little.
func serveGit(root string) error {
	repository, err := releases.NewRepository(root, "shared.git")
	if err != nil {
		return err
	}
	for _, tag := range []string{firstRelease, secondRelease} {
		if _, err := repository.Commit(map[string]string{".infrahub.yml": "queries: []\n", "RELEASE": tag + "\n"}); err != nil {
			return err
		}
		if err := repository.Tag(tag); err != nil {
			return err
		}
	}
	shared := filesystem.NewStorage(osfs.New(repository.Path), cache.NewObjectLRUDefault())
	client.InstallProtocol("file", gitserver.NewServer(anyPath{shared}))
	return nil
}

// anyPath finds the same repository at each path.
type anyPath struct{ repository storer.Storer }

// Load implements server.Loader.
func (a anyPath) Load(*transport.Endpoint) (storer.Storer, error) { return a.repository, nil }
