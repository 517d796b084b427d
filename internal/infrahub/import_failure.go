package infrahub

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// Cause classifies why an import failed, as far as the server's words tell.
type Cause int

const (
	// CauseUnknown is any other cause.
	CauseUnknown Cause = iota
	// RefMissing means that the remote does not have the ref or the default branch.
	RefMissing
	// CredentialRefused means that the remote asks for a credential, or for another one.
	CredentialRefused
	// RemoteUnreachable means that the remote does not respond to the Infrahub server, or not as a Git remote.
	RemoteUnreachable
	// ConfigurationInvalid means that .infrahub.yml is missing or cannot be read.
	ConfigurationInvalid
	// ContentInvalid means that a file that .infrahub.yml names is missing or invalid.
	ContentInvalid
	// ObjectExists means that an object exists already, often because another repository imported it.
	ObjectExists
	// TagMoved means that the remote has moved a tag that the server had cloned, so that Git refuses to fetch the
	// tags (infrahub-behaviour.md, Importing 15).
	TagMoved
	// RepositoryMissing means that the remote responds that it has no such repository. Many hosts respond so to a client that may
	// not read it.
	RepositoryMissing
)

// logTimeout bounds how long after the end of a task its log may stay incomplete.
const logTimeout = 10 * time.Second

// readException returns the exception that ended a failed task, a zero one if the log holds none. The last line
// of the log is written up to some seconds after the end of the task, so the log is read until it has that line
// (infrahub-behaviour.md, Importing 24).
func (c *Client) readException(ctx context.Context, taskID string) (exception, error) {
	return c.readExceptionUntil(ctx, taskID, time.Now().Add(logTimeout))
}

// readExceptionUntil reads the log once, and again until the deadline while it has no last line.
func (c *Client) readExceptionUntil(ctx context.Context, taskID string, deadline time.Time) (exception, error) {
	for {
		resp, err := graphql.TaskLogs(ctx, c.graphql, taskID)
		if err != nil {
			return exception{}, err
		}
		message, complete := lastErrorMessage(resp)
		if complete || time.Now().After(deadline) {
			return parseException(message), nil
		}
		_ = sleep(ctx, c.tasks.polling.MinInterval) // the next request fails if ctx has ended
	}
}

// reason returns why a task failed, in one line: the exception in its log, or why there is none.
func (t task) reason(raised exception, err error) string {
	switch {
	case err != nil:
		return fmt.Sprintf("the task ended as %s; its log could not be read: %v", t.State, err)
	case raised.message == "" && t.crashed():
		return fmt.Sprintf("Infrahub has not heard of the task for a while and calls it %s", t.State)
	case raised.message == "":
		return fmt.Sprintf("the task ended as %s and its log does not say why", t.State)
	default:
		return raised.reason()
	}
}

// flowEnded begins the part of the last error message of a task that describes the exception.
const flowEnded = "Flow run encountered an exception:"

// lastErrorMessage returns the last error message of a task's log, and whether it is the one that ends the log.
func lastErrorMessage(resp *graphql.TaskLogsResponse) (message string, complete bool) {
	for _, edge := range resp.InfrahubTask.Edges {
		if edge.Node == nil || edge.Node.Logs == nil {
			continue
		}
		for _, line := range edge.Node.Logs.Edges {
			if line.Node != nil && (line.Node.Severity == "error" || line.Node.Severity == "critical") {
				message = line.Node.Message
				complete = strings.Contains(message, flowEnded)
			}
		}
	}
	return message, complete
}

// exception is a Python exception that ended a task.
type exception struct {
	class, message string
}

var (
	// In the messages of Prefect, which runs the tasks.
	classAndMessage = regexp.MustCompile(`(?s)^\s*([\w.]*(?:Error|Exception)):\s*(.*)$`)

	// In the messages of GraphQL and of its Python client.
	syntaxErrorPosition = regexp.MustCompile(`\s*GraphQL request:(\d+):(\d+)[\s\S]*`)
	errorPosition       = regexp.MustCompile(`SourceLocation\(line=(\d+), column=(\d+)\)`)
	refusedMutation     = regexp.MustCompile(`^\s*mutation[^{]*\{\s*(\w+?)(Create|Upsert|Update)\(`)
	objectName          = regexp.MustCompile(`\bname: \{\s*value: `)

	// In the messages of Pydantic and of the YAML parser about .infrahub.yml.
	validationError = regexp.MustCompile(`(?m)^(\S+)\n\s+(.+?) \[type=.*\]$`)
	validationLink  = regexp.MustCompile(`\s*For further information visit \S+`)
	validationCount = regexp.MustCompile(`\d+ validation errors? for InfrahubRepositoryConfig\s*`)
	yamlPosition    = regexp.MustCompile(`in "<unicode string>", line (\d+), column (\d+):?[\s\S]*`)
	notAMapping     = regexp.MustCompile(`^.*\(\) argument after \*\* must be a mapping`)
	commitDirectory = regexp.MustCompile(`'commits\.[0-9a-f]{40}\.`)
	idPrefix        = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}: `)

	// In the messages of GitPython.
	gitError    = regexp.MustCompile(`(?s)^Cmd\('git'\) failed.*stderr: '(.*)'\s*$`)
	gitStderr   = regexp.MustCompile(`(?s)^\s*stderr: '(.*)'\s*$`)
	gitExitCode = regexp.MustCompile(`(?s)^Cmd\('git'\) failed due to: (exit code\(\d+\))\s+cmdline: (.*)$`)
)

// parseException returns the exception that an error message of Prefect describes. The text of the exception is a Python literal:
//
//	Finished in state Failed('Flow run encountered an exception: ValueError: Ref v9 not found.')
//	Encountered exception during execution: ValueError('Ref v9 not found.')
//
// An exception without a class holds the message as it is.
func parseException(message string) exception {
	message, _, _ = strings.Cut(message, "Traceback (most recent call last)")
	for _, intro := range []string{"Encountered exception during execution: ", "Task run failed with exception: "} {
		_, call, _ := strings.Cut(message, intro)
		if class, arguments, _, isCall := cutCall(call); isCall {
			if text, _, isText := cutLiteral(arguments); isText {
				arguments = text
			}
			return exception{class, arguments}
		}
	}
	if _, state, found := strings.Cut(message, "Finished in state "); found {
		_, arguments, _ := strings.Cut(state, "(")
		if text, _, isText := cutLiteral(arguments); isText {
			message = text
		}
	}
	_, text, found := strings.Cut(message, "run encountered an exception") // of a flow or a task
	if !found {
		return exception{"", message}
	}
	text = strings.TrimPrefix(text, ":")
	if match := classAndMessage.FindStringSubmatch(text); match != nil {
		return exception{match[1], match[2]}
	}
	return exception{"", text}
}

// cause classifies the exception by its class and, where that says little, by the words of Git and of the server.
// These may change, so the cause may only choose how a failure is explained.
func (e exception) cause() Cause {
	switch e.class {
	case "RepositoryInvalidBranchError":
		return RefMissing
	case "RepositoryCredentialsError":
		return CredentialRefused
	case "RepositoryConnectionError":
		return RemoteUnreachable
	case "RepositoryConfigurationError":
		return ConfigurationInvalid
	case "QuerySyntaxError", "ValidationError", "RepositoryFileNotFoundError", "ModuleNotFoundError", "SchemaNotFoundError", "NodeNotFoundError":
		return ContentInvalid
	}
	switch {
	case e.mentions("--prune-tags") && e.mentions("exit code(1)"): // a real failure of Git has another code
		return TagMoved
	case strings.HasPrefix(e.message, "Ref ") && e.mentions(" not found"):
		return RefMissing
	case e.mentions("InfrahubRepositoryConfig"):
		return ConfigurationInvalid
	case e.mentions("could not read Username", "Authentication failed", "authentication failed", "lookup credentials", "returned error: 403", "returned error: 401"):
		return CredentialRefused
	case e.mentions("fatal: repository ") && e.mentions(" not found", "does not exist"):
		return RepositoryMissing
	case e.mentions("Failed to connect", "Could not resolve host", "unable to access", "please check the address"):
		return RemoteUnreachable
	case e.mentions("Violates uniqueness constraint"):
		return ObjectExists
	case e.mentions("NODE_NOT_FOUND", "Query is not valid"):
		return ContentInvalid
	default:
		return CauseUnknown
	}
}

// mentions reports whether the message has one of the parts.
func (e exception) mentions(parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(e.message, part) })
}

// reason returns the message for a person, in one line: without the mutation that failed, excerpts of text and
// links.
func (e exception) reason() string {
	text := cmp.Or(e.serverMessage(), plainExceptions(e.message))
	switch verb, kind, name := e.object(); {
	case name != "":
		text = fmt.Sprintf("%s (while %s the %s %q)", text, verb, kind, name)
	case kind != "":
		text = fmt.Sprintf("%s (while %s a %s)", text, verb, kind)
	}
	for _, edit := range []struct {
		pattern     *regexp.Regexp
		replacement string
	}{
		{syntaxErrorPosition, " (line $1, column $2)"},
		{validationError, "$1: $2."},
		{validationLink, ""},
		{validationCount, ""},
		{yamlPosition, "(line $1, column $2)"},
		{notAMapping, ".infrahub.yml must be a mapping"},
		{gitError, "$1"},
		{gitStderr, "$1"},
		{gitExitCode, "$2: $1"},
		{commitDirectory, "'"},
		{idPrefix, ""},
	} {
		text = edit.pattern.ReplaceAllString(text, edit.replacement)
	}
	return printable(strings.Join(strings.Fields(text), " "), maxMessageBytes)
}

// refusedQuery begins the message of a GraphQL document that the server refused. The document and the errors follow it.
const refusedQuery = "An error occurred while executing the GraphQL Query "

// serverMessage returns the messages of the server's response to a refused document, "" if the message is about something else.
func (e exception) serverMessage() string {
	document, found := strings.CutPrefix(e.message, refusedQuery)
	if !found {
		return ""
	}
	at := strings.Index(document, ", [{'")
	if at < 0 {
		return "the request was refused"
	}
	var messages []string
	depth, isMessage := 0, false
	for rest := document[at+len(", "):]; rest != ""; {
		text, after, isText := cutLiteral(rest)
		if !isText {
			depth, isMessage, rest = depth+nesting(rest[0]), false, rest[1:]
			continue
		}
		if isMessage {
			messages = append(messages, plainExceptions(text))
		}
		// Only an error in the list, which is a dictionary, has a message. What is nested deeper is about something else.
		isMessage = depth == 2 && text == "message" && strings.HasPrefix(after, ": ")
		rest = strings.TrimPrefix(after, ": ")
	}
	if messages == nil {
		return "the request was refused"
	}
	return strings.Join(messages, "; ")
}

// object returns what the import could not create or update, with the verb: empty strings if it failed at something else.
func (e exception) object() (verb, kind, name string) {
	document, found := strings.CutPrefix(e.message, refusedQuery)
	mutation := refusedMutation.FindStringSubmatch(document)
	if !found || mutation == nil {
		return "", "", ""
	}
	if at := objectName.FindStringIndex(document); at != nil {
		name, _, _ = cutLiteral(document[at[1]:])
	}
	if mutation[2] == "Update" {
		return "updating", mutation[1], name
	}
	return "creating", mutation[1], name
}

// findOwner returns the repository that owns the query that an import could not create, "" if it is unknown. The
// name of a query is unique over all repositories of a branch, and the server does not say which one owns it
// (infrahub-behaviour.md, Importing 26).
func (c *Client) findOwner(ctx context.Context, e exception) string {
	_, kind, name := e.object()
	if kind != "CoreGraphQLQuery" || name == "" {
		return ""
	}
	resp, err := graphql.QueryOwner(ctx, c.graphql, name)
	if err != nil {
		return ""
	}
	for _, edge := range resp.CoreGraphQLQuery.Edges {
		if edge.Node != nil && edge.Node.Repository.Node != nil {
			return deref(edge.Node.Repository.Node.Display_label)
		}
	}
	return ""
}
