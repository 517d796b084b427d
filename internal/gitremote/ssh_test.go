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

// The tests of ssh are not parallel: the environment holds the paths of the agent and of the known hosts.

func TestRefs_SSH(t *testing.T) {
	r := newRemote(t, t.TempDir(), "r.git")
	key, hostKey := newKey(t), newKey(t)
	address := serveSSH(t, hostKey, key.PublicKey())
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, key))
	t.Setenv("SSH_KNOWN_HOSTS", writeKnownHosts(t, address, hostKey.PublicKey()))
	host, port, err := net.SplitHostPort(address)
	must(t, err)
	for _, location := range []string{"ssh://git@" + address + r.Path, "git@" + host + ":" + port + ":" + r.Path} {
		wantMain(t, listRefs(t, location), r.Commits["first"])
	}
	_, err = gitremote.Remote{Location: "ssh://git@" + address + "/none.git"}.Refs(t.Context())
	wantKind(t, err, gitremote.ErrNotFound, "")

	t.Setenv("SSH_KNOWN_HOSTS", writeKnownHosts(t, address, newKey(t).PublicKey()))
	_, err = gitremote.Remote{Location: "ssh://git@" + address + r.Path}.Refs(t.Context())
	wantKind(t, err, gitremote.ErrUnreachable, "knownhosts")
}

func TestRefs_SSHWithoutAnAcceptedKey(t *testing.T) {
	hostKey := newKey(t)
	address := serveSSH(t, hostKey, newKey(t).PublicKey())
	t.Setenv("SSH_KNOWN_HOSTS", writeKnownHosts(t, address, hostKey.PublicKey()))
	for socket, text := range map[string]string{serveAgent(t, newKey(t)): "no key", "": "no SSH agent"} {
		t.Setenv("SSH_AUTH_SOCK", socket)
		_, err := gitremote.Remote{Location: "ssh://git:" + canary + "@" + address + "/r.git"}.Refs(t.Context())
		wantKind(t, err, gitremote.ErrAuthentication, text)
	}
}

func TestRefs_SSHEndsWithItsContext(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, newKey(t)))
	t.Setenv("SSH_KNOWN_HOSTS", writeKnownHosts(t, "127.0.0.1", newKey(t).PublicKey()))
	wantCancelable(t, func(address string) string { return "ssh://git@" + address + "/r.git" })
}

// signer is a key with its private part, which an agent needs.
type signer struct {
	ssh.Signer
	private ed25519.PrivateKey
}

func newKey(t *testing.T) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	public, err := ssh.NewSignerFromKey(private)
	must(t, err)
	return signer{public, private}
}

// writeKnownHosts writes a file of known hosts with one host and returns its path.
func writeKnownHosts(t *testing.T, address string, key ssh.PublicKey) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known_hosts")
	must(t, os.WriteFile(path, []byte(knownhosts.Line([]string{address}, key)+"\n"), 0o600))
	return path
}

// serveAgent serves an SSH agent with a key and returns the path of its socket.
func serveAgent(t *testing.T, key signer) string {
	t.Helper()
	keys := agent.NewKeyring()
	must(t, keys.Add(agent.AddedKey{PrivateKey: key.private}))
	socket := filepath.Join(t.TempDir(), "agent")
	acceptConnections(t, "unix", socket, func(connection net.Conn) { _ = agent.ServeAgent(keys, connection) })
	return socket
}

// serveSSH serves SSH to the owner of a key, who may run git-upload-pack, and returns the address.
func serveSSH(t *testing.T, hostKey ssh.Signer, accepted ssh.PublicKey) string {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(accepted.Marshal()) {
			return nil, errors.New("not this key")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(hostKey)
	return acceptConnections(t, "tcp", "127.0.0.1:0", func(connection net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(connection, config)
		if err != nil {
			return // the key was refused
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

// uploadPack runs git-upload-pack as a client requests.
func uploadPack(t *testing.T, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer func() { _ = channel.Close() }()
	for request := range requests {
		var payload struct{ Command string }
		if request.Type != "exec" || ssh.Unmarshal(request.Payload, &payload) != nil {
			_ = request.Reply(false, nil)
			continue
		}
		_ = request.Reply(true, nil)
		path := strings.Trim(strings.TrimPrefix(payload.Command, "git-upload-pack "), "'")
		command := exec.CommandContext(t.Context(), "git", "upload-pack", path)
		command.Stdout, command.Stderr = channel, channel.Stderr()
		if stdin, err := command.StdinPipe(); err == nil { // unlike Stdin, Run does not wait until the client closes it
			go func() { _, _ = io.Copy(stdin, channel) }()
		}
		_ = command.Run() // the client gets its errors on stderr
		return
	}
}

// acceptConnections handles each connection, and closes it then, until the test ends. It returns the address.
func acceptConnections(t *testing.T, network, at string, handle func(net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), network, at)
	must(t, err)
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
