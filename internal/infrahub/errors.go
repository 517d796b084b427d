package infrahub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// The kinds of failure that callers distinguish with errors.Is.
var (
	// ErrNotFound means that the object does not exist on this branch.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized means that the server refused the token or the password.
	ErrUnauthorized = errors.New("not authorized")
	// ErrBranchNotFound means that the server has no such Infrahub branch.
	ErrBranchNotFound = errors.New("branch not found")
	// ErrNotInfrahub means that something other than Infrahub responded, such as a proxy or a login page.
	ErrNotInfrahub = errors.New("the response did not come from Infrahub")
	// ErrBusy means that the server, or a proxy before it, is overloaded, restarting or failing.
	ErrBusy = errors.New("the server is busy, restarting or failing")
	// ErrUnreachable means that no response came at all.
	ErrUnreachable = errors.New("no response")
	// ErrAmbiguous means that several objects have the name.
	ErrAmbiguous = errors.New("ambiguous name")
	// ErrMerged means that the branch was merged and accepts no more changes.
	ErrMerged = errors.New("merged, and accepts no more changes")
	// ErrInactive means that the repository is not in use on the branch, because it was created on another branch, or
	// after this one.
	ErrInactive = errors.New("inactive: it was created on another branch, or after this one")
)

// Error is a request that failed. It has the server's own message if there is one.
type Error struct {
	// Operation is the name of the GraphQL operation, "login" or "refresh".
	Operation string
	// Status is the HTTP status, 0 if no response came.
	Status int
	// Code is extensions.code of the GraphQL error, "" on Infrahub 1.9, which has none.
	Code string
	// Message is the server's message, or describes the response if the server gave no message.
	Message string
	// Field is the attribute or relationship at fault, "" if that is unknown.
	Field string
	// RequestID is the x-request-id of the response, which the server's logs hold too.
	RequestID string

	kind  error
	cause error
	// outcomeUnknown is whether the server may have carried out the request, or an earlier attempt of it, all the same.
	outcomeUnknown bool
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Operation, e.Message)
	if e.RequestID != "" {
		text += fmt.Sprintf(" (request id %s)", e.RequestID)
	}
	return text
}

// Unwrap returns the kind (ErrNotFound, …) and the cause, as far as they are known.
func (e *Error) Unwrap() []error {
	var wrapped []error
	for _, err := range []error{e.kind, e.cause} {
		if err != nil {
			wrapped = append(wrapped, err)
		}
	}
	return wrapped
}

// messageOf returns the message of a failed request without its operation, or the text of another error.
func messageOf(err error) string {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure.Message
	}
	return err.Error()
}

// TooOldError means that the server is older than OldestVersion.
type TooOldError struct {
	Version string
}

func (e *TooOldError) Error() string {
	return fmt.Sprintf("it runs Infrahub %s, and the provider needs %s or newer", e.Version, OldestVersion)
}

// graphqlError is one entry of "errors" in a response. extensions.code is a string, or a number in the responses
// to a login (infrahub-behaviour.md, Errors 9) and in those of Infrahub 1.9 (infrahub-behaviour.md, Errors 11).
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

// code returns the code, "" if there is none or it is a number.
func (e graphqlError) code() string {
	code, _ := e.Extensions.Code.(string)
	return code
}

// mergeInProgressCode is the code of a write that the server refuses because a branch is being merged.
const mergeInProgressCode = "MERGE_IN_PROGRESS"

// endsWithMerge reports whether the server refuses a write only until the merge of another branch has ended. A
// write to the branch that is being merged would come too late (infrahub-behaviour.md, Branches 11).
func (e graphqlError) endsWithMerge() bool {
	data := e.Extensions.Data
	return e.code() == mergeInProgressCode && (data.Branch == "" || data.Branch != data.MergingBranch)
}

// kind returns the kind of the error by its code and the HTTP status, nil if they do not tell. Infrahub 1.9 gives
// no codes; there the callers decide by a read.
func (e graphqlError) kind(status int) error {
	switch e.code() {
	case "NODE_NOT_FOUND":
		if e.relationship() != "" {
			return nil // the target of a relationship does not exist, not the node itself
		}
		return ErrNotFound
	case "BRANCH_NOT_FOUND":
		return ErrBranchNotFound
	case "BRANCH_ALREADY_MERGED":
		return ErrMerged
	case mergeInProgressCode:
		if !e.endsWithMerge() {
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

// relationship returns the relationship whose target does not exist, "" if the error has another reason.
func (e graphqlError) relationship() string {
	for _, target := range []struct{ kind, relationship string }{
		{"CoreCredential", "credential"},
		{"BuiltinTag", "tags"},
	} {
		switch e.Extensions.Data.NodeKind {
		case target.kind:
			return target.relationship
		case "": // Infrahub 1.9 has no data (infrahub-behaviour.md, Errors 11); a wrong guess only names a wrong attribute
			if strings.Contains(e.Message, "/ "+target.kind+" in the database") {
				return target.relationship
			}
		}
	}
	return ""
}

// field returns the attribute or relationship at fault, "" if that is unknown. Violations of uniqueness and
// failures of Git have no code of their own (infrahub-behaviour.md, Errors 2), so it is guessed from the message,
// and only used to name an attribute to the user.
func (e graphqlError) field() string {
	if e.Extensions.Data.FieldName != "" {
		return e.Extensions.Data.FieldName
	}
	if relationship := e.relationship(); relationship != "" {
		return relationship
	}
	if _, rest, found := strings.Cut(e.Message, "uniqueness constraint '"); found {
		if attribute, _, closed := strings.Cut(rest, "'"); closed {
			return attribute
		}
	}
	for _, hint := range []struct{ part, field string }{
		{"lookup credentials", "credential"},
		{"Authentication failed", "credential"},
		{"Unable to clone", "location"},
		{"fatal: repository", "location"},
		{"Branch name contains", "name"},
		{"invalid field name", "name"},
		{"as a destination for a proposed change", "destination_branch"},
		{"source branch for this proposed change", "source_branch"},
		{"proposed change already exists for branch", "source_branch"},
		{"Cannot create proposed change", "source_branch"},
	} {
		if strings.Contains(e.Message, hint.part) {
			return hint.field
		}
	}
	return ""
}
