package gitremote_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
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
}

func TestRefs_SSHHostKey(t *testing.T) {
	key, hostKey := newKey(t), newKey(t)
	address := serveSSH(t, hostKey, key.PublicKey())
	host, _, err := net.SplitHostPort(address)
	must(t, err)
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, key))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	otherType, err := ssh.NewPublicKey(&rsaKey.PublicKey)
	must(t, err)
	changed := writeKnownHosts(t, address, newKey(t).PublicKey())
	revoked := writeKnownHosts(t, address, hostKey.PublicKey())
	line, err := os.ReadFile(revoked)
	must(t, err)
	must(t, os.WriteFile(revoked, append([]byte("@revoked "), line...), 0o600))
	empty, broken := filepath.Join(t.TempDir(), "known_hosts"), filepath.Join(t.TempDir(), "known_hosts")
	must(t, os.WriteFile(empty, nil, 0o600))
	must(t, os.WriteFile(broken, []byte("one two\n"), 0o600))
	for _, test := range []struct {
		name, file string
		kind       error
		text       string
	}{
		{"no file", filepath.Join(t.TempDir(), "none"), gitremote.ErrNoKnownHosts, "known_hosts"},
		{"a file that is none", broken, gitremote.ErrNoKnownHosts, broken + ":1"},
		{"an empty file", empty, gitremote.ErrHostUnknown, host},
		{"another host", writeKnownHosts(t, "git.example.com", hostKey.PublicKey()), gitremote.ErrHostUnknown, host},
		{"another port", writeKnownHosts(t, host+":1", hostKey.PublicKey()), gitremote.ErrHostUnknown, host},
		{"a key of another type", writeKnownHosts(t, address, otherType), gitremote.ErrHostUnknown, "host key"},
		{"another key", changed, gitremote.ErrHostKeyChanged, changed + ":1"},
		{"a revoked key", revoked, gitremote.ErrHostKeyChanged, revoked + ":1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("SSH_KNOWN_HOSTS", test.file)
			_, err := gitremote.Remote{Location: "ssh://git@" + address + "/r.git"}.Refs(t.Context())
			wantKind(t, err, test.kind, test.text)
			if errors.Is(err, gitremote.ErrUnreachable) || errors.Is(err, gitremote.ErrAuthentication) {
				t.Errorf("%v has two kinds", err)
			}
		})
	}
}

func TestRefs_SSHAnswerOfTheHost(t *testing.T) {
	key, hostKey := newKey(t), newKey(t)
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, key))
	for answer, test := range map[string]struct {
		kind error
		text string
	}{
		"ERROR: Repository not found.":                                                  {gitremote.ErrNotFound, ""},
		"fatal: '/r.git' does not appear to be a git repository":                        {gitremote.ErrNotFound, ""},
		"remote: ERROR: The project you were looking for could not be found":            {gitremote.ErrNotFound, ""},
		"Forgejo: Cannot find repository: network/r":                                    {gitremote.ErrNotFound, "Cannot find repository"},
		"remote: TF401019: The Git repository with name or identifier r does not exist": {gitremote.ErrNotFound, "TF401019"},
		"fatal: project network/r not found":                                            {gitremote.ErrNotFound, "project network/r not found"},
		"FATAL: R any network/r bot DENIED by fallthru":                                 {gitremote.ErrAuthentication, "DENIED by fallthru"},
		"remote: You are not allowed to view this project":                              {gitremote.ErrAuthentication, "not allowed"},
		"the disk is full": {gitremote.ErrUnreachable, "the disk is full"},
	} {
		t.Run(answer, func(t *testing.T) {
			address := acceptSSH(t, []ssh.Signer{hostKey}, key.PublicKey(), func(channel ssh.Channel, requests <-chan *ssh.Request) {
				defer func() { _ = channel.Close() }()
				for request := range requests {
					_ = request.Reply(true, nil)
					if request.Type == "exec" {
						_, _ = channel.Stderr().Write([]byte(answer + "\n"))
						return
					}
				}
			})
			t.Setenv("SSH_KNOWN_HOSTS", writeKnownHosts(t, address, hostKey.PublicKey()))
			_, err := gitremote.Remote{Location: "ssh://git@" + address + "/r.git"}.Refs(t.Context())
			wantKind(t, err, test.kind, test.text)
		})
	}
}

func TestRefs_SSHHostWithTwoKeysOfWhichOneIsKnown(t *testing.T) {
	r := newRemote(t, t.TempDir(), "r.git")
	key := newKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	second, err := ssh.NewSignerFromKey(rsaKey)
	must(t, err)
	address := acceptSSH(t, []ssh.Signer{newKey(t), second}, key.PublicKey(), func(channel ssh.Channel, requests <-chan *ssh.Request) {
		uploadPack(t, channel, requests)
	})
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, key))
	t.Setenv("SSH_KNOWN_HOSTS", writeKnownHosts(t, address, second.PublicKey()))
	wantMain(t, listRefs(t, "ssh://git@"+address+r.Path), r.Commits["first"])
}

func TestSSHHost(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"ssh://git@host/r.git": "host 22", "ssh://host:2222/r.git": "host 2222", "ssh://[::1]:22/r.git": "::1 22",
		"git@host:r.git": "host 22", "host:r.git": "host 22", "git@host:2222:r.git": "host 2222",
		"https://host/r.git": " ", "git://host/r.git": " ", "/srv/r.git": " ", "file:///srv/r.git": " ", "": " ",
	} {
		if host, port := gitremote.SSHHost(location); host+" "+port != want {
			t.Errorf("%s: %s %s, want %s", location, host, port, want)
		}
	}
}

func TestRefs_SSHWithoutAnAcceptedKey(t *testing.T) {
	hostKey := newKey(t)
	address := serveSSH(t, hostKey, newKey(t).PublicKey())
	t.Setenv("SSH_KNOWN_HOSTS", writeKnownHosts(t, address, hostKey.PublicKey()))
	for name, test := range map[string]struct {
		socket string
		kind   error
		text   string
	}{
		"another key":                   {serveAgent(t, newKey(t)), gitremote.ErrKeyRefused, "no key of the SSH agent is accepted"},
		"no agent":                      {"", gitremote.ErrNoAgent, "no SSH agent"},
		"an agent that is gone":         {filepath.Join(t.TempDir(), "gone"), gitremote.ErrNoAgent, "no SSH agent"},
		"an agent without a key":        {serveAgent(t), gitremote.ErrNoKey, "holds no key"},
		"a socket that is not an agent": {acceptConnections(t, "unix", filepath.Join(t.TempDir(), "deaf"), func(net.Conn) {}), gitremote.ErrNoAgent, "no SSH agent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SSH_AUTH_SOCK", test.socket)
			_, err := gitremote.Remote{Location: "ssh://git:" + canary + "@" + address + "/r.git"}.Refs(t.Context())
			wantKind(t, err, gitremote.ErrAuthentication, test.text)
			wantKind(t, err, test.kind, "authentication failed")
			if err != nil && strings.Count(err.Error(), test.text) != 1 {
				t.Errorf("the error repeats itself: %v", err)
			}
		})
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

// serveAgent serves an SSH agent with these keys and returns the path of its socket.
func serveAgent(t *testing.T, keys ...signer) string {
	t.Helper()
	keyring := agent.NewKeyring()
	for _, key := range keys {
		must(t, keyring.Add(agent.AddedKey{PrivateKey: key.private}))
	}
	socket := filepath.Join(t.TempDir(), "agent")
	acceptConnections(t, "unix", socket, func(connection net.Conn) { _ = agent.ServeAgent(keyring, connection) })
	return socket
}

// serveSSH serves SSH to the owner of a key, who may run git-upload-pack, and returns the address.
func serveSSH(t *testing.T, hostKey ssh.Signer, accepted ssh.PublicKey) string {
	t.Helper()
	return acceptSSH(t, []ssh.Signer{hostKey}, accepted, func(channel ssh.Channel, requests <-chan *ssh.Request) { uploadPack(t, channel, requests) })
}

// acceptSSH serves SSH to the owner of a key, whose channels it handles, and returns the address.
func acceptSSH(t *testing.T, hostKeys []ssh.Signer, accepted ssh.PublicKey, handle func(ssh.Channel, <-chan *ssh.Request)) string {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(accepted.Marshal()) {
			return nil, errors.New("not this key")
		}
		return &ssh.Permissions{}, nil
	}}
	for _, hostKey := range hostKeys {
		config.AddHostKey(hostKey)
	}
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
			go handle(channel, requests)
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
