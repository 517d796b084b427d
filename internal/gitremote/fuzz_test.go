package gitremote

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// FuzzLocation asserts that no form of a location shows its password, and that what is no location is an error.
func FuzzLocation(f *testing.F) {
	for _, parts := range [][2]string{
		{"https://", "git.example.com/network.git"}, {"http://", "h:80@x/y?token=a#b"}, {"ssh://", "[::1]:22/x"}, {"", "host:path"}, {"git://", "h/%zz"}, {"file://", "/srv"}, {"HTTPS://", "h"}, {"x:", "//y"}, {"/srv/", "x"},
	} {
		f.Add(parts[0], parts[1])
	}
	const password = "correct-horse-battery"
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		for _, r := range []Remote{
			{Location: scheme + rest},
			{Location: scheme + "user:" + password + "@" + rest},
			{Location: scheme + rest + "?private_token=" + password},
			{Location: scheme + rest, Username: "u", Token: sensitive.New(password)},
		} {
			_, err := r.endpoint()
			if err != nil && !errors.Is(err, errNoLocation) {
				t.Errorf("%q: %v", r.Location, err)
			}
			_, _ = SSHHost(r.Location)
			isURL := slices.Contains([]string{"https://", "http://", "ssh://", "git://", "file://"}, scheme)
			if shown := r.RedactedLocation(); isURL && strings.Contains(shown, password) {
				t.Errorf("%q is shown as %q", r.Location, shown)
			}
			_ = r.redact(r.Location)
			_ = r.credential()
		}
	})
}

// FuzzVersions asserts that constraints and tags of any form select tags that exist, or are an error that says why.
func FuzzVersions(f *testing.F) {
	for _, constraint := range []string{"", ">= 1.2, < 2.0", "~> 1", "~> 1.2.3-rc.1", "1.x || 2.0 - 3", "!= 1.0.0", "=>1", "~>99999999999999999999", "* *", ">", "^0.0.0-0+0", "1.2.3.4"} {
		f.Add(constraint, "v1.2.3", "2025.01.03", "v", true)
		f.Add(constraint, "v1.0.0-rc.01+build.1", "v1", "", false)
	}
	f.Fuzz(func(t *testing.T, constraint, tag, other, prefix string, prereleases bool) {
		refs := refsOf(map[string]string{"refs/tags/" + tag: strings.Repeat("a", 40), "refs/tags/" + other: strings.Repeat("b", 40)})
		versions, err := refs.Versions(constraint, prefix, prereleases)
		if _, invalid := errors.AsType[*ConstraintError](err); err != nil && !invalid {
			if _, none := errors.AsType[*NoMatchError](err); !none {
				t.Errorf("%v", err)
			}
		}
		for _, found := range versions.Tags {
			if found.Name != tag && found.Name != other {
				t.Errorf("found the tag %q", found.Name)
			}
		}
		if err == nil && len(versions.Tags) == 0 {
			t.Error("neither a tag nor an error")
		}
	})
}

func refsOf(references map[string]string) *Refs {
	refs := &Refs{branches: map[string]Ref{}, tags: map[string]Ref{}, head: map[string]Ref{}, objects: map[string]Ref{}}
	for full, commit := range references {
		name := strings.TrimPrefix(full, "refs/tags/")
		refs.tags[name] = Ref{Name: name, Kind: Tag, Commit: commit}
	}
	return refs
}

// FuzzAdvertisedRefs asserts that what a remote advertises is refs or an error, and that a ref resolves to one of them, to nothing, or
// to what the remote does not advertise.
func FuzzAdvertisedRefs(f *testing.F) {
	const hash = "6ecf0ef2c2dffb796033e5a02219af86ec6584e5"
	line := func(text string) string { return hexLength(len(text)+4) + text }
	whole := line(hash+" HEAD\x00symref=HEAD:refs/heads/main agent=git\n") + line(hash+" refs/heads/main\n") +
		line(hash+" refs/tags/v1\n") + line(hash+" refs/tags/v1^{}\n") + "0000"
	for _, ref := range []string{"main", "v1", "HEAD", "refs/heads/main", "6ecf", "v1^{commit}", "main~1", "@{0}", "", "^", "~", "origin/"} {
		f.Add([]byte(whole), ref)
	}
	f.Add([]byte("0000"), "main")
	f.Add([]byte("zzzz"), "main")
	f.Add([]byte("fff0"+hash), "main")
	f.Fuzz(func(t *testing.T, advertised []byte, ref string) {
		decoded := packp.NewAdvRefs()
		if decoded.Decode(strings.NewReader(string(advertised))) != nil {
			return
		}
		refs := newRefs(decoded)
		_, _ = refs.Branches(), refs.Tags()
		found, err := refs.Resolve(ref)
		if _, missing := errors.AsType[*RefNotFoundError](err); err != nil && !missing {
			t.Errorf("%v", err)
		}
		if err == nil && found.Commit == "" && !found.Unadvertised {
			t.Errorf("%q resolves to %+v", ref, found)
		}
	})
}

// hexLength returns the length of a line of Git's protocol as it stands before the line.
func hexLength(n int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[n>>12&15], digits[n>>8&15], digits[n>>4&15], digits[n&15]})
}
