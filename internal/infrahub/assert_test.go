package infrahub_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

// must fails the test at once if there is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantEqual fails the test if what was got differs.
func wantEqual[T any](t *testing.T, what string, want, got T, options ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// errorFields are the expected fields of an *infrahub.Error. An empty operation and a status of 0 match any.
type errorFields struct {
	operation, code, field string
	status                 int
	message                string // its beginning
}

// wantError fails the test unless the error is an *infrahub.Error with these fields.
func wantError(t *testing.T, err error, want errorFields) {
	t.Helper()
	failure, ok := errors.AsType[*infrahub.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *infrahub.Error", err)
	}
	if want.operation != "" && failure.Operation != want.operation {
		t.Errorf("operation %q, want %q", failure.Operation, want.operation)
	}
	if want.status != 0 && failure.Status != want.status {
		t.Errorf("status %d, want %d", failure.Status, want.status)
	}
	if failure.Code != want.code || failure.Field != want.field || !strings.HasPrefix(failure.Message, want.message) {
		t.Errorf("got code %q, field %q, message %q; want %+v", failure.Code, failure.Field, failure.Message, want)
	}
}

// wantField fails the test unless the error is an *infrahub.Error about a field.
func wantField(t *testing.T, err error, field string) {
	t.Helper()
	wantKind(t, err, nil)
	if failure, ok := errors.AsType[*infrahub.Error](err); !ok || failure.Field != field {
		t.Errorf("got %v, want an *infrahub.Error about %s", err, field)
	}
}

// wantKind fails the test unless the error is of this kind alone; nil stands for none.
func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	var want, got []error
	if kind != nil {
		want = append(want, kind)
	}
	for _, each := range []error{
		infrahub.ErrNotFound, infrahub.ErrUnauthorized, infrahub.ErrBranchNotFound, infrahub.ErrNotInfrahub, infrahub.ErrUnreachable, infrahub.ErrBusy,
	} {
		if errors.Is(err, each) {
			got = append(got, each)
		}
	}
	wantEqual(t, fmt.Sprintf("kinds of the error %v", err), fmt.Sprint(want), fmt.Sprint(got))
}

// wantContains fails the test unless the text contains the part.
func wantContains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("got %q, want %q in it", text, part)
	}
}

// wantErrorIs fails the test unless errors.Is finds the target in the error.
func wantErrorIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %v, want %v", err, target)
	}
}

// wantDuration fails the test unless what began then has taken so long by now.
func wantDuration(t *testing.T, began time.Time, least, most time.Duration) {
	t.Helper()
	if took := time.Since(began); took < least || took > most {
		t.Errorf("took %s, want %s to %s", took, least, most)
	}
}

// canceledAfter returns a context that is canceled after a moment.
func canceledAfter(t *testing.T, moment time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(moment, cancel)
	return ctx
}

// object shortens variables in JSON.
type object = map[string]any

// set returns the variable that sets an attribute.
func set(value any) object { return object{"value": value} }

// missingID is an id that no node has.
const missingID = "0d0c96ac-83d5-4ca5-9f28-68b527a471d7"
