package gitremote_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
)

// Not in parallel: where the agent and the known hosts are is said by the environment.
func TestRefs_SSH(t *testing.T) {
	made, hash := newRepository(t, t.TempDir(), "r.git")
	key, hostKey := newKey(t), newKey(t)
	address := serveSSH(t, hostKey, key.PublicKey())
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, key))
	t.Setenv("SSH_KNOWN_HOSTS", known(t, address, hostKey.PublicKey()))
	host, port, err := net.SplitHostPort(address)
	done(t, err)
	for _, location := range []string{"ssh://git@" + address + made.Path, "git@" + host + ":" + port + ":" + made.Path} {
		refs, err := gitremote.Remote{Location: location}.Refs(t.Context())
		done(t, err)
		if got, err := refs.Resolve("main"); err != nil || got.Commit != hash {
			t.Errorf("%s: main is %+v, %v", location, got, err)
		}
	}
	_, err = gitremote.Remote{Location: "ssh://git@" + address + "/none.git"}.Refs(t.Context())
	ofKind(t, err, gitremote.ErrNotFound)

	t.Setenv("SSH_KNOWN_HOSTS", known(t, address, newKey(t).PublicKey()))
	_, err = gitremote.Remote{Location: "ssh://git@" + address + made.Path}.Refs(t.Context())
	ofKind(t, err, gitremote.ErrUnreachable)
	if err == nil || !strings.Contains(err.Error(), "knownhosts") {
		t.Errorf("another host key: %v", err)
	}
}

func TestRefs_SSHWithoutAKeyThatIsAccepted(t *testing.T) {
	hostKey := newKey(t)
	address := serveSSH(t, hostKey, newKey(t).PublicKey())
	t.Setenv("SSH_KNOWN_HOSTS", known(t, address, hostKey.PublicKey()))
	for socket, says := range map[string]string{serveAgent(t, newKey(t)): "no key", "": "no SSH agent"} {
		t.Setenv("SSH_AUTH_SOCK", socket)
		_, err := gitremote.Remote{Location: "ssh://git:" + canary + "@" + address + "/r.git"}.Refs(t.Context())
		ofKind(t, err, gitremote.ErrAuthentication)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

func TestRefs_SSHContextEnds(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, newKey(t)))
	t.Setenv("SSH_KNOWN_HOSTS", known(t, "127.0.0.1", newKey(t).PublicKey()))
	endsWithItsContext(t, func(address string) string { return "ssh://git@" + address + "/r.git" })
}

func newKey(t *testing.T) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	done(t, err)
	made, err := ssh.NewSignerFromKey(private)
	done(t, err)
	return signer{made, private}
}

type signer struct {
	ssh.Signer
	private ed25519.PrivateKey
}

// known writes a file of known hosts with one host.
func known(t *testing.T, address string, key ssh.PublicKey) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known_hosts")
	done(t, os.WriteFile(path, []byte(knownhosts.Line([]string{address}, key)+"\n"), 0o600))
	return path
}

func serveAgent(t *testing.T, key signer) string {
	t.Helper()
	keys := agent.NewKeyring()
	done(t, keys.Add(agent.AddedKey{PrivateKey: key.private}))
	socket := filepath.Join(t.TempDir(), "agent")
	accept(t, "unix", socket, func(connection net.Conn) { _ = agent.ServeAgent(keys, connection) })
	return socket
}

// serveSSH lets the owner of a key run git-upload-pack.
func serveSSH(t *testing.T, hostKey ssh.Signer, admitted ssh.PublicKey) string {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(admitted.Marshal()) {
			return nil, errors.New("not this key")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(hostKey)
	return accept(t, "tcp", "127.0.0.1:0", func(connection net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(connection, config)
		if err != nil {
			return // refused
		}
		go ssh.DiscardRequests(requests)
		for each := range channels {
			channel, requests, err := each.Accept()
			if err != nil {
				return
			}
			go uploadPack(t, channel, requests)
		}
	})
}

func uploadPack(t *testing.T, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	for request := range requests {
		var run struct{ Command string }
		if request.Type != "exec" || ssh.Unmarshal(request.Payload, &run) != nil {
			_ = request.Reply(false, nil)
			continue
		}
		_ = request.Reply(true, nil)
		path := strings.Trim(strings.TrimPrefix(run.Command, "git-upload-pack "), "'")
		command := exec.CommandContext(t.Context(), "git", "upload-pack", path)
		command.Stdout, command.Stderr = channel, channel.Stderr()
		if stdin, err := command.StdinPipe(); err == nil { // Run does not wait for the client to close it
			go func() { _, _ = io.Copy(stdin, channel) }()
		}
		_ = command.Run() // what it has to say, it says on stderr
		return
	}
}

// accept serves each connection until the test ends.
func accept(t *testing.T, network, at string, handle func(net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), network, at)
	done(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = connection.Close() }()
				handle(connection)
			}()
		}
	}()
	return listener.Addr().String()
}
