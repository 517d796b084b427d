package mockserver

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// errRepositoryDeleted is the error of an import whose repository was deleted meanwhile.
var errRepositoryDeleted = errors.New("the repository is gone")

// pythonError is an exception of the server's code, or a workflow's own report of its failure if it has no class.
type pythonError struct{ class, message string }

func (e *pythonError) Error() string { return e.message }

// newPythonError returns the exception that the server raises for an error.
func newPythonError(err error) *pythonError {
	var exception *pythonError
	var git *gitError
	switch {
	case errors.As(err, &exception):
		return exception
	case errors.As(err, &git):
		return &pythonError{git.class, git.message}
	case errors.Is(err, errRepositoryDeleted):
		return &pythonError{"GraphQLError", fmt.Sprintf("An error occurred while executing the GraphQL Query: %s", err)}
	}
	return &pythonError{"GitCommandError", err.Error()}
}

// quote returns a text as Python's repr does.
func quote(text string) string {
	mark := `'`
	if strings.Contains(text, `'`) && !strings.Contains(text, `"`) {
		mark = `"`
	}
	return mark + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, mark, `\`+mark).Replace(text) + mark
}

// logException logs an exception as Prefect does when a task raises it.
func (t *task) logException(e *pythonError) {
	if e.class == "" {
		return
	}
	t.log("error", "Encountered exception during execution: %s(%s)\nTraceback …", e.class, quote(e.message))
}

// logFailure logs the last line of a failed task (infrahub-behaviour.md, Importing 24).
func (t *task) logFailure(e *pythonError) {
	reason := e.message
	if e.class != "" {
		reason = "Flow run encountered an exception: " + e.class + ": " + e.message
	}
	t.log("error", "Finished in state Failed(%s)", quote(reason))
}

// gitError is the server's exception for a failed Git command. Operational is the operational_status that
// the repository gets.
type gitError struct{ class, message, operational string }

func (e *gitError) Error() string { return e.message }

// command is the Git command that failed: the same failure has different messages.
type command int

const (
	lsRemote command = iota
	gitClone
)

// newGitError returns the server's exception for a failed Git command, nil if err is nil.
func newGitError(err error, name, location, ref string, failed command) *gitError {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errRefNotFound):
		return &gitError{"RepositoryInvalidBranchError", fmt.Sprintf("The branch %s isn't a valid branch for the repository %s at %s.", ref, name, location), "error"}
	case errors.Is(err, errCredentialRefused):
		return &gitError{"RepositoryCredentialsError", fmt.Sprintf("Authentication failed for %s, please validate the credentials.", name), "error-cred"}
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return &gitError{"RepositoryCredentialsError", fmt.Sprintf("Unable to correctly lookup credentials for repository %s (%s).", name, location), "error-cred"}
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return &gitError{"RepositoryError", fmt.Sprintf("\n  stderr: 'fatal: unable to access '%s/': The requested URL returned error: 403'", location), "error"}
	case errors.Is(err, transport.ErrRepositoryNotFound) && strings.HasPrefix(location, "http"):
		return &gitError{"RepositoryError", fmt.Sprintf("\n  stderr: 'fatal: repository '%s/' not found'", location), "error"}
	case errors.Is(err, transport.ErrRepositoryNotFound) && failed == gitClone:
		return &gitError{"RepositoryError", fmt.Sprintf("\n  stderr: 'fatal: repository '%s' does not exist\n'", location), "error"}
	}
	message := fmt.Sprintf("Unable to clone the repository %s, please check the address and the credential", name)
	return &gitError{"RepositoryConnectionError", message, "error-connection"}
}
