package infrahub

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// The kinds of failure that callers tell apart, for errors.Is.
var (
	// ErrNotFound means that the object does not exist on this branch.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized means that the server refused the token or the password.
	ErrUnauthorized = errors.New("not authorized")
	// ErrBranchNotFound means that the server has no such Infrahub branch.
	ErrBranchNotFound = errors.New("branch not found")
	// ErrNotInfrahub means that something else than Infrahub answered: a proxy, a login page.
	ErrNotInfrahub = errors.New("the answer did not come from Infrahub")
	// ErrUnreachable means that no answer came at all.
	ErrUnreachable = errors.New("no answer")
	// ErrExists means that the name is taken.
	ErrExists = errors.New("exists already")
	// ErrAmbiguous means that a name stands for several objects.
	ErrAmbiguous = errors.New("ambiguous name")
	// ErrMerged means that the branch was merged and takes no changes any more.
	ErrMerged = errors.New("merged, and takes no changes any more")
	// ErrInactive means that the repository is not in use on the branch, which is older than it.
	ErrInactive = errors.New("inactive there: the branch was made before the repository")
)

// Error is a request that failed, in the server's own words where it has any.
type Error struct {
	// Operation is the GraphQL operation, "login" or "refresh".
	Operation string
	// Status is the HTTP status, 0 if no answer came.
	Status int
	// Code is extensions.code of the GraphQL error; Infrahub 1.9 has none.
	Code string
	// Message is what the server says, or what is known if it says nothing.
	Message string
	// Field is the attribute or relationship that the error is about, "" if it is not known.
	Field string
	// RequestID is the x-request-id of the answer, by which the server's logs can be searched.
	RequestID string

	kind  error
	cause error
	// crashed is whether the server failed at it, and may have carried it out all the same.
	crashed bool
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Operation, e.Message)
	if e.RequestID != "" {
		text += fmt.Sprintf(" (request id %s)", e.RequestID)
	}
	return text
}

// Unwrap returns the kind (ErrNotFound, …) and the cause, of those that are known.
func (e *Error) Unwrap() []error {
	var wrapped []error
	for _, err := range []error{e.kind, e.cause} {
		if err != nil {
			wrapped = append(wrapped, err)
		}
	}
	return wrapped
}

// missing is the error of a read that found nothing.
func missing(what, branch string) error {
	return fmt.Errorf("%s on branch %s: %w", what, branch, ErrNotFound)
}

// TooOldError is a server older than OldestVersion.
type TooOldError struct {
	Version string
}

func (e *TooOldError) Error() string {
	return fmt.Sprintf("the server runs Infrahub %s; this client needs %s or newer", e.Version, OldestVersion)
}

// graphqlError is one entry of "errors" in an answer. Extensions.code is a string, or a number for
// what the REST layer says (infrahub.md, Errors).
type graphqlError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code   any `json:"code"`
		Status int `json:"http_status"`
		Data   struct {
			NodeKind      string `json:"node_kind"`
			FieldName     string `json:"field_name"`
			Branch        string `json:"branch_name"`
			MergingBranch string `json:"merging_branch"`
		} `json:"data"`
	} `json:"extensions"`
}

func (e graphqlError) code() string {
	code, _ := e.Extensions.Code.(string)
	return code
}

// mergeCode is that of a write which is refused because a branch is being merged.
const mergeCode = "MERGE_IN_PROGRESS"

// waitsForMerge reports whether a write was refused only until the merge of another branch is over. On the
// branch that is being merged it would come too late (infrahub.md, Branches).
func (e graphqlError) waitsForMerge() bool {
	return e.code() == mergeCode && (e.Extensions.Data.Branch == "" || e.Extensions.Data.Branch != e.Extensions.Data.MergingBranch)
}

// kind classifies by code alone; where a server gives no code the callers decide by a read.
func (e graphqlError) kind(status int) error {
	switch e.code() {
	case "NODE_NOT_FOUND":
		if e.relationship() != "" {
			return nil // what it points at is missing, not the object
		}
		return ErrNotFound
	case "BRANCH_NOT_FOUND":
		return ErrBranchNotFound
	case "BRANCH_ALREADY_MERGED":
		return ErrMerged
	case mergeCode:
		if !e.waitsForMerge() {
			return ErrMerged
		}
	case "AUTHENTICATION_REQUIRED", "TOKEN_EXPIRED", "PERMISSION_DENIED":
		return ErrUnauthorized
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return ErrUnauthorized
	}
	return nil
}

// relationship names what points at a node that does not exist, "" if the error is not about that.
func (e graphqlError) relationship() string {
	kind := e.Extensions.Data.NodeKind
	if m := regexp.MustCompile(`/ (\w+) in the database`).FindStringSubmatch(e.Message); kind == "" && m != nil {
		kind = m[1] // 1.9 has no data; a wrong guess points a person to a wrong attribute, no more
	}
	switch kind {
	case "CoreCredential":
		return "credential"
	case "BuiltinTag":
		return "tags"
	default:
		return ""
	}
}

// field names what the error is about. Uniqueness and Git failures have no code of their own
// (infrahub.md, Errors), so the message decides where a person is pointed, and only that.
func (e graphqlError) field() string {
	if e.Extensions.Data.FieldName != "" {
		return e.Extensions.Data.FieldName
	}
	if relationship := e.relationship(); relationship != "" {
		return relationship
	}
	if m := regexp.MustCompile(`uniqueness constraint '(\w+)'`).FindStringSubmatch(e.Message); m != nil {
		return m[1]
	}
	switch {
	case strings.Contains(e.Message, "lookup credentials"), strings.Contains(e.Message, "Authentication failed"):
		return "credential"
	case strings.Contains(e.Message, "Unable to clone"), strings.Contains(e.Message, "fatal: repository"):
		return "location"
	case strings.Contains(e.Message, "Branch name contains"), strings.Contains(e.Message, "invalid field name"):
		return "name"
	case strings.Contains(e.Message, "as a destination for a proposed change"):
		return "destination_branch"
	case strings.Contains(e.Message, "source branch for this proposed change"), strings.Contains(e.Message, "proposed change already exists for branch"),
		strings.Contains(e.Message, "Cannot create proposed change"):
		return "source_branch"
	}
	return ""
}
