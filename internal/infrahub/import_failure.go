package infrahub

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// flushing bounds how much later than the end of a task its log may be complete.
const flushing = 10 * time.Second

// reason finds in the log of a failed task what went wrong, an empty exception if it does not say. The log's last line
// comes up to some seconds after the task has ended, so it is read until it is there.
func (c *Client) reason(ctx context.Context, id string) (exception, error) {
	limit := time.Now().Add(flushing)
	for {
		answer, err := graphql.TaskLogs(ctx, c.graphql, id)
		if err != nil {
			return exception{}, err
		}
		message, complete := lastError(answer)
		if complete || time.Now().After(limit) {
			return raised(message), nil
		}
		_ = sleep(ctx, c.tasks.polling.MinInterval) // interrupted, the next read says so
	}
}

// lastError is the error that ended the flow or, while that is not complete, the last one so far.
func lastError(answer *graphql.TaskLogsResponse) (message string, complete bool) {
	for _, edge := range answer.InfrahubTask.Edges {
		if edge.Node == nil || edge.Node.Logs == nil {
			continue
		}
		for _, log := range edge.Node.Logs.Edges {
			if log.Node == nil || log.Node.Severity != "error" && log.Node.Severity != "critical" {
				continue
			}
			message = log.Node.Message
			complete = strings.Contains(message, flowEnded)
		}
	}
	return message, complete
}

const flowEnded = "Flow run encountered an exception:"

// Cause is what kind of thing made an import fail, as far as the server's words tell.
type Cause int

const (
	// CauseUnknown is anything else.
	CauseUnknown Cause = iota
	// RefMissing is a ref or default branch that the remote does not have.
	RefMissing
	// CredentialRefused is a remote that wants a credential, or another one.
	CredentialRefused
	// RemoteUnreachable is a remote that does not answer the Infrahub server, or not as Git.
	RemoteUnreachable
	// ConfigurationInvalid is a .infrahub.yml that is missing or cannot be read.
	ConfigurationInvalid
	// ContentInvalid is a file that .infrahub.yml names and that is missing or not as it should be.
	ContentInvalid
	// ObjectExists is an object that there is already, often from another repository.
	ObjectExists
	// TagMoved is a tag that the remote has moved since the server cloned it: its fetch is refused then.
	TagMoved
)

// exception is what ended a task: its Python class and its words.
type exception struct {
	class, message string
}

// raised takes the exception out of how Prefect reports it, which is a Python literal:
//
//	Finished in state Failed('Flow run encountered an exception: ValueError: Ref v9 not found.')
//	Encountered exception during execution: ValueError('Ref v9 not found.')
func raised(message string) exception {
	message, _, _ = strings.Cut(message, "Traceback (most recent call last)")
	if _, literal, found := strings.Cut(message, flowEnded); found {
		literal = regexp.MustCompile(`['"]\)\s*$`).ReplaceAllString(literal, "")
		literal = unescaped(literal)
		if m := regexp.MustCompile(`(?s)^\s*([\w.]*(?:Error|Exception)):\s*(.*)$`).FindStringSubmatch(literal); m != nil {
			return exception{m[1], m[2]}
		}
		return exception{"", literal}
	}
	if m := regexp.MustCompile(`Encountered exception during execution: (\w+)\(['"](.*)['"]\)`).FindStringSubmatch(message); m != nil {
		return exception{m[1], unescaped(m[2])}
	}
	return exception{"", message}
}

// unescaped is what a Python literal stands for.
func unescaped(literal string) string {
	return strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\'`, "'", `\"`, `"`, `\\`, `\`).Replace(literal)
}

// cause classifies by the class of the exception and, where that says little, by the words of Git and of
// the server. They are prose: whoever uses the cause may guess wrong, and must not decide by it.
func (e exception) cause() Cause {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(e.message, part) })
	}
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
	case has("--prune-tags") && has("exit code(1)"): // a fetch of tags that Git refused, and did not fail at
		return TagMoved
	case strings.HasPrefix(e.message, "Ref ") && has(" not found"):
		return RefMissing
	case has("InfrahubRepositoryConfig"):
		return ConfigurationInvalid
	case has("could not read Username", "Authentication failed", "authentication failed", "lookup credentials"):
		return CredentialRefused
	case has("Failed to connect", "Could not resolve host", "unable to access", "please check the address"):
		return RemoteUnreachable
	case has("Violates uniqueness constraint"):
		return ObjectExists
	case has("NODE_NOT_FOUND"):
		return ContentInvalid
	default:
		return CauseUnknown
	}
}

// reason is the exception for a person: without the query that failed, pointers into text and links.
func (e exception) reason() string {
	text := e.message
	if kind, name := e.object(); kind != "" {
		text = fmt.Sprintf("%s (while creating the %s %q)", e.answer(), kind, name)
	}
	text = regexp.MustCompile(`\s*GraphQL request:(\d+):(\d+)[\s\S]*`).ReplaceAllString(text, " (line $1, column $2)")
	text = regexp.MustCompile(`(?m)^(\S+)\n\s+(.+?) \[type=.*\]$`).ReplaceAllString(text, "$1: $2.")
	text = regexp.MustCompile(`\s*For further information visit \S+`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`\d+ validation errors? for InfrahubRepositoryConfig\s*`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`in "<unicode string>", line (\d+), column (\d+):?[\s\S]*`).ReplaceAllString(text, "(line $1, column $2)")
	text = regexp.MustCompile(`^.*\(\) argument after \*\* must be a mapping`).ReplaceAllString(text, ".infrahub.yml must be a mapping")
	text = regexp.MustCompile(`(?s)^Cmd\('git'\) failed.*stderr: '(.*)'\s*$`).ReplaceAllString(text, "$1")
	text = regexp.MustCompile(`(?s)^Cmd\('git'\) failed due to: (exit code\(\d+\))\s+cmdline: (.*)$`).ReplaceAllString(text, "$2: $1")
	text = regexp.MustCompile(`'commits\.[0-9a-f]{40}\.`).ReplaceAllString(text, "'")
	text = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}: `).ReplaceAllString(text, "")
	return strings.Join(strings.Fields(text), " ")
}

// answer is what the server said to a mutation of the import, out of the text that repeats the mutation.
func (e exception) answer() string {
	if m := regexp.MustCompile(`'message': (?:"([^"]*)"|'([^']*)')`).FindStringSubmatch(e.message); m != nil {
		return m[1] + m[2]
	}
	return "the mutation was refused"
}

// object is the kind and the name of what the import was about to create, "" if it was not at that.
func (e exception) object() (kind, name string) {
	created := regexp.MustCompile(`^An error occurred while executing the GraphQL Query\s+mutation[^{]*\{\s*(\w+?)(?:Create|Upsert)\(`).FindStringSubmatch(e.message)
	if created == nil {
		return "", ""
	}
	if named := regexp.MustCompile(`\bname: \{\s*value: "([^"]*)"`).FindStringSubmatch(e.message); named != nil {
		name = named[1]
	}
	return created[1], name
}

// owner is the repository that a query belongs to, "" if that is not known. A query's name is unique over
// all repositories, and the server does not say whose it is.
func (c *Client) owner(ctx context.Context, kind, name string) string {
	if kind != "CoreGraphQLQuery" {
		return ""
	}
	answer, err := graphql.QueryOwner(ctx, c.graphql, name)
	if err != nil {
		return ""
	}
	for _, edge := range answer.CoreGraphQLQuery.Edges {
		if edge.Node != nil && edge.Node.Repository.Node != nil {
			return deref(edge.Node.Repository.Node.Display_label)
		}
	}
	return ""
}
