package gitremote

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// agentAuth returns the keys of the SSH agent and the check of the host's key. Errors: ErrNoAgent, ErrNoKey, ErrNoKnownHosts.
func agentAuth(endpoint *transport.Endpoint) (*gitssh.PublicKeysCallback, error) {
	auth, err := gitssh.NewSSHAgentAuth(endpoint.User)
	if err != nil {
		return nil, ErrNoAgent
	}
	keys, err := auth.Callback()
	switch {
	case err != nil:
		return nil, ErrNoAgent
	case len(keys) == 0:
		return nil, ErrNoKey
	}
	known, err := gitssh.NewKnownHostsDb()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKnownHosts, err)
	}
	// go-git does not ask the host for the type of key that is known, so that a host with a second key would seem to have changed.
	auth.HostKeyAlgorithms = known.HostKeyAlgorithms(hostAndPort(endpoint))
	auth.HostKeyCallback = checkHostKey(known.HostKeyCallback())
	return auth, nil
}

// hostAndPort returns where go-git connects to. The user's configuration of ssh may give another name and port.
func hostAndPort(endpoint *transport.Endpoint) string {
	host, port := endpoint.Host, strconv.Itoa(cmp.Or(endpoint.Port, gitssh.DefaultPort))
	if alias := gitssh.DefaultSSHConfig.Get(endpoint.Host, "Hostname"); alias != "" {
		host = alias
		if configured := gitssh.DefaultSSHConfig.Get(endpoint.Host, "Port"); configured != "" {
			port = configured
		}
	}
	return net.JoinHostPort(host, port)
}

// checkHostKey returns a check whose errors name the key that the host has: ErrHostUnknown, ErrHostKeyChanged.
func checkHostKey(check ssh.HostKeyCallback) ssh.HostKeyCallback {
	return func(host string, address net.Addr, key ssh.PublicKey) error {
		err := check(host, address, key)
		name := key.Type() + " " + ssh.FingerprintSHA256(key)
		var (
			mismatch *knownhosts.KeyError
			revoked  *knownhosts.RevokedError
		)
		switch {
		case errors.As(err, &mismatch) && len(mismatch.Want) > 0:
			return fmt.Errorf("%w: it has %s, not the one in %s:%d", ErrHostKeyChanged, name, mismatch.Want[0].Filename, mismatch.Want[0].Line)
		case errors.As(err, &revoked):
			return fmt.Errorf("%w: it has %s, which %s:%d revokes", ErrHostKeyChanged, name, revoked.Revoked.Filename, revoked.Revoked.Line)
		case errors.As(err, &mismatch):
			return fmt.Errorf("%w: it has %s", ErrHostUnknown, name)
		default:
			return err
		}
	}
}
