package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/gitremote"
)

// gitDiagnostic returns the error of a remote that could not be asked, or that has no such ref or version. Notes are paragraphs at
// its end.
func gitDiagnostic(location string, err error, notes ...string) diag.Diagnostic {
	summary, attribute, detail := explainGit(location, err, notes)
	return diag.WithPath(path.Root(attribute), diag.NewErrorDiagnostic(summary, detail))
}

// gitWarning returns the same as a warning, for a plan that needs no answer.
func gitWarning(location string, err error, notes ...string) diag.Diagnostic {
	summary, attribute, detail := explainGit(location, err, notes)
	return diag.WithPath(path.Root(attribute), diag.NewWarningDiagnostic(summary, detail))
}

// explainGit returns the parts of a diagnostic: cause, next step, notes.
func explainGit(location string, err error, notes []string) (summary, attribute, detail string) {
	summary, attribute, next := explainRef(err)
	text := withPeriod(err.Error())
	scheme, _, _ := strings.Cut(strings.ToLower(location), ":")
	switch host, port := gitremote.SSHHost(location); {
	case summary != "" && location != "":
		text = withoutQuery(location) + ": " + text
	case summary != "":
	case host != "":
		attribute = "location"
		summary, next = explainSSH(host, port, err)
	case scheme == "https" || scheme == "http":
		attribute = "location"
		summary, next = explainHTTP(err)
	default:
		attribute = "location"
		summary, next = explainOther(scheme, err)
	}
	return summary, attribute, strings.Join(append([]string{text, next}, notes...), "\n\n")
}

// explainRef returns a summary, an attribute and a next step for what a remote does not have, "" for any other error.
func explainRef(err error) (summary, attribute, next string) {
	var (
		ref        *gitremote.RefNotFoundError
		constraint *gitremote.ConstraintError
		version    *gitremote.NoMatchError
	)
	switch {
	case errors.As(err, &ref) && len(ref.Ambiguous) > 0:
		return "Git Ref Is Ambiguous", "ref", "Set ref to all 40 digits of the commit."
	case errors.As(err, &ref):
		return "Git Ref Not Found", "ref", "Push it to the remote, or correct ref."
	case errors.As(err, &constraint):
		return "Invalid Version Constraint", "version", "Conditions are joined by commas: \">= 1.2, < 2.0\", \"~> 1.2\", \"1.4.x\"."
	case errors.As(err, &version) && len(version.Unreadable) > 0:
		return "Git Tag Not Found", "version", "A version has three numbers, such as v1.2.3 or 2025.01.3. Push such a tag, or correct version and prefix. " +
			"Prereleases count only with include_prereleases."
	case errors.As(err, &version):
		return "Git Tag Not Found", "version", "Push such a tag, or correct version and prefix. Prereleases count only with include_prereleases."
	default:
		return "", "", ""
	}
}

// explainOther returns a summary and a next step for a remote that could not be asked over the protocol git, or on disk.
func explainOther(scheme string, err error) (summary, next string) {
	isGit := scheme == "git"
	switch {
	case errors.Is(err, gitremote.ErrNotFound) && isGit:
		return "Git Repository Not Found", "Check the location, and that the git daemon exports the repository."
	case errors.Is(err, gitremote.ErrNotFound):
		return "Git Repository Not Found", "Check the location: the path must lead to the repository where the provider runs as well."
	case errors.Is(err, context.DeadlineExceeded):
		return "Git Remote Not Reached", "Check that the remote answers where the provider runs, or give it more time in the provider's timeout."
	case isGit:
		return "Git Remote Not Reached", "Check the location, and that the host runs a git daemon that answers where the provider runs."
	default:
		return "Git Remote Not Reached", "Check the location: the provider itself asks the remote, from where the provider runs."
	}
}

// explainHTTP returns a summary and a next step for a remote that could not be asked over http or https.
func explainHTTP(err error) (summary, next string) {
	switch {
	case errors.Is(err, gitremote.ErrTokenWithheld):
		return "Git Remote Refused", fmt.Sprintf(
			"If git_token is meant for this host, add it to git_hosts in the provider block, or to %s. Without git_hosts the token goes to hosts over https alone.", gitHostsVariable)
	case errors.Is(err, gitremote.ErrAuthentication):
		return "Git Remote Refused", fmt.Sprintf(
			"The credential that Infrahub has is not the provider's: set git_username and git_token in the provider block, or %s and %s.",
			gitUsernameVariable, gitTokenVariable)
	case errors.Is(err, gitremote.ErrNotFound):
		return "Git Repository Not Found", fmt.Sprintf(
			"Check the location. Some hosts say so of a private repository: set git_token in the provider block, or %s.", gitTokenVariable)
	case errors.Is(err, gitremote.ErrNotGit):
		return "Git Remote Not Reached", "Something else answered: check the location, and what proxies or login pages stand before it."
	case errors.Is(err, context.DeadlineExceeded):
		return "Git Remote Not Reached", "Check that the remote answers from here, or give it more time in the provider's timeout."
	default:
		return "Git Remote Not Reached", "The provider asks the remote itself, from where it runs: check the location, and the provider's proxy and tls_ca_file."
	}
}

// explainSSH returns a summary and a next step for a remote that could not be asked over ssh.
func explainSSH(host, port string, err error) (summary, next string) {
	target, known := host, host
	if port != "22" {
		target, known = "-p "+port+" "+host, fmt.Sprintf("'[%s]:%s'", host, port)
	}
	addHostKey := fmt.Sprintf("Where the provider runs, add the key of the host to the known hosts (ssh-keyscan %s >> ~/.ssh/known_hosts), and compare it with what the host publishes. "+
		"SSH_KNOWN_HOSTS names another file.", target)
	switch {
	case errors.Is(err, gitremote.ErrNoAgent):
		return "SSH Agent Not Found", "Over ssh the provider uses the keys of an SSH agent, and no key files. Where it runs, start an agent and load a key: eval \"$(ssh-agent)\" && ssh-add."
	case errors.Is(err, gitremote.ErrNoKey):
		return "SSH Key Not Found", "Over ssh the provider uses the keys of the SSH agent, and no key files. Load one: ssh-add ~/.ssh/id_ed25519."
	case errors.Is(err, gitremote.ErrKeyRefused):
		return "Git Remote Refused", "Add one of the agent's keys (ssh-add -L) to an account or a repository of the host, or load another one (ssh-add). Check the user in the location as well: most hosts want git@."
	case errors.Is(err, gitremote.ErrAuthentication):
		return "Git Remote Refused", "Give the account of the SSH agent's key (ssh-add -L) read access to the repository."
	case errors.Is(err, gitremote.ErrNoKnownHosts):
		return "SSH Known Hosts Not Found", addHostKey
	case errors.Is(err, gitremote.ErrHostUnknown):
		return "SSH Host Key Not Known", addHostKey
	case errors.Is(err, gitremote.ErrHostKeyChanged):
		return "SSH Host Key Changed", fmt.Sprintf("If the host announced a new key, remove the old one (ssh-keygen -R %s) and add the new one (ssh-keyscan %s >> ~/.ssh/known_hosts). "+
			"If it did not, something else answers in its place.", known, target)
	case errors.Is(err, gitremote.ErrNotFound):
		return "Git Repository Not Found", "Check the location. Some hosts say so of a repository that the SSH key may not read: give it access."
	case errors.Is(err, context.DeadlineExceeded):
		return "Git Remote Not Reached", "Check that the host answers from where the provider runs (ssh -T " + target + "), or give it more time in the provider's timeout."
	default:
		return "Git Remote Not Reached", "Check that the host answers from where the provider runs: ssh -T " + target + "."
	}
}

// refWarning returns what the remote leaves open about a ref, nil if that is nothing. Consequence says what follows.
func refWarning(location, ref string, found gitremote.Ref, consequence string) diag.Diagnostic {
	var summary, text string
	switch {
	case found.Copied:
		summary, text = "Git Ref Does Not Follow the Remote", fmt.Sprintf(
			"Infrahub resolves %q in a copy of its own, which does not follow the remote. %s\n\nSet ref to %q: that follows it.", ref, consequence, found.Name)
	case found.Unadvertised && found.Commit == "":
		summary, text = "Git Commit Not Known", fmt.Sprintf(
			"The remote lists the ends of its branches and its tags alone, so what %q resolves to shows only when Infrahub imports it. %s\n\nSet ref to all 40 digits of the commit, or to a branch or a tag.", ref, consequence)
	case found.Unadvertised:
		summary, text = "Git Commit Not Verified", fmt.Sprintf(
			"The remote lists the ends of its branches and its tags alone, and %s is none of them, so whether the remote has it shows only when Infrahub imports it.\n\nCheck the hash, or set ref to a tag of that commit.", found.Commit)
	default:
		return nil
	}
	return diag.WithPath(path.Root("ref"), diag.NewWarningDiagnostic(summary, withoutQuery(location)+": "+text))
}

// withoutQuery returns a location without its query, which may hold a secret.
func withoutQuery(location string) string {
	before, _, _ := strings.Cut(location, "?")
	return before
}
