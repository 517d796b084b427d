package mockserver

import (
	"fmt"
	"net/http"
	"strings"
)

// failure is an error in the server's words. A code of "" is UNDEFINED_ERROR, told apart by its
// status and its prose alone (infrahub.md, Errors).
type failure struct {
	message string
	code    string
	status  int
	data    map[string]any
	below   []string // the path under the field, for one of several errors of a field
}

func (f failure) Error() string { return f.message }

// failures are several errors of one field.
type failures []failure

func (f failures) Error() string {
	messages := make([]string, len(f))
	for i, each := range f {
		messages[i] = each.message
	}
	return strings.Join(messages, "; ")
}

// extensions is what stands beside a message. Infrahub 1.9 has nothing there.
func extensions(old bool, f failure) map[string]any {
	if old {
		return nil
	}
	code, data := f.code, f.data
	if code == "" {
		code = "UNDEFINED_ERROR"
	}
	if data == nil {
		data = map[string]any{}
	}
	return map[string]any{"code": code, "http_status": f.status, "data": data}
}

// unprocessable is a refusal without a code of its own: uniqueness, Git, branches.
func unprocessable(format string, arguments ...any) failure {
	return failure{message: fmt.Sprintf(format, arguments...), status: http.StatusUnprocessableEntity}
}

func notFound(kind, identifier string) failure {
	return failure{
		message: fmt.Sprintf("Unable to find the node %s / %s in the database.", identifier, kind),
		code:    "NODE_NOT_FOUND", status: http.StatusNotFound,
		data: map[string]any{"node_kind": kind, "identifier": identifier},
	}
}

func branchNotFound(name string) failure {
	return failure{
		message: fmt.Sprintf("Branch: %s not found.", name),
		code:    "BRANCH_NOT_FOUND", status: http.StatusBadRequest,
		data: map[string]any{"branch_name": name},
	}
}

func mandatory(kind, field string) failure {
	return failure{
		message: fmt.Sprintf("%s is mandatory for %s at %s", field, kind, field),
		code:    "ATTRIBUTE_REQUIRED", status: http.StatusUnprocessableEntity,
		data: map[string]any{"node_kind": kind, "field_name": field},
	}
}

func violation(kind, field, constraint string) failure {
	return failure{
		message: fmt.Sprintf("%s at %s", constraint, field),
		code:    "ATTRIBUTE_CONSTRAINT_VIOLATION", status: http.StatusUnprocessableEntity,
		data: map[string]any{"node_kind": kind, "field_name": field, "constraint": constraint, "detail": nil},
	}
}

func notUUID(kind, id string) failure {
	return failure{
		message: fmt.Sprintf("%s is not a valid UUID at id", id),
		code:    "ATTRIBUTE_INVALID_TYPE", status: http.StatusUnprocessableEntity,
		data: map[string]any{"node_kind": kind, "field_name": "id", "expected_type": "UUID", "received_type": id},
	}
}
