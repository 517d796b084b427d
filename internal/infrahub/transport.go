package infrahub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	genqlient "github.com/Khan/genqlient/graphql"
	"github.com/hashicorp/go-retryablehttp"
)

// transport sends GraphQL operations and makes one typed error of every way in which they fail.
// It implements genqlient's graphql.Client.
type transport struct {
	address  *url.URL
	endpoint *url.URL
	branch   string
	http     *retryablehttp.Client
	log      *slog.Logger
}

func newTransport(config Config) (*transport, error) {
	network, err := config.Network.transport()
	if err != nil {
		return nil, err
	}
	plain := &http.Client{
		Transport: wholeAnswers{userAgent: config.UserAgent, next: network},
		Timeout:   config.Timeout,
		// A redirect would turn a POST into a GET, or carry the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	authenticated := *plain
	authenticated.Transport = newAuthenticator(config, plain)
	general := &transport{address: config.Address, http: newRetrying(&authenticated, config.MaxRetries), log: config.Logger}
	return general.on(config.Branch), nil
}

// on is the same transport to another branch, whose name may hold what means something in a URL.
func (t *transport) on(branch string) *transport {
	other := *t
	path := strings.Split(branch, "/") // not every proxy takes an escaped slash
	for n, part := range path {
		path[n] = url.PathEscape(part)
	}
	other.branch, other.endpoint = branch, t.address.JoinPath(append([]string{"graphql"}, path...)...)
	return &other
}

// MakeRequest sends one operation and decodes its data.
func (t *transport) MakeRequest(ctx context.Context, operation *genqlient.Request, answer *genqlient.Response) error {
	body, err := json.Marshal(operation)
	if err != nil {
		return fmt.Errorf("%s: encode the request: %w", operation.OpName, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", operation.OpName, err)
	}
	request, err := retryablehttp.NewRequestWithContext(withOperation(ctx, operation), http.MethodPost, t.endpoint.String(), body)
	if err != nil {
		return fmt.Errorf("%s: build the request: %w", operation.OpName, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("X-Priority", priority(ctx))

	start := time.Now()
	response, err := t.http.Do(request)
	if err != nil {
		if response != nil { // an answer that came while the caller gave up
			_ = response.Body.Close()
		}
		return t.unreachable(operation.OpName, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	// Never variables or bodies: they carry passwords.
	t.log.DebugContext(ctx, "Infrahub answered",
		"operation", operation.OpName, "branch", t.branch, "status", response.StatusCode,
		"milliseconds", time.Since(start).Milliseconds(), "request_id", response.Header.Get("X-Request-Id"))
	if err != nil {
		return t.unreachable(operation.OpName, err)
	}
	if id, ok := ctx.Value(requestIDKey).(*string); ok && isMutation(operation) {
		*id = response.Header.Get("X-Request-Id")
	}
	return decode(operation.OpName, response, text, answer)
}

// unreachable is the error of a request that got no answer.
func (t *transport) unreachable(operation string, err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return &Error{
		Operation: operation, Message: fmt.Sprintf("no answer from %s://%s: %v", t.endpoint.Scheme, t.endpoint.Host, err),
		kind: ErrUnreachable, cause: err,
	}
}

// decode reads an answer, which may be GraphQL, strings for errors (infrahub.md, Errors), plain text
// or whatever a proxy made up.
func decode(operation string, response *http.Response, body []byte, answer *genqlient.Response) error {
	failure := &Error{Operation: operation, Status: response.StatusCode, RequestID: response.Header.Get("X-Request-Id")}
	if location := response.Header.Get("Location"); response.StatusCode/100 == 3 {
		failure.Message, failure.kind = fmt.Sprintf("the server redirects to %s", withoutQuery(location)), ErrNotInfrahub
		return failure
	}
	var envelope struct {
		Data   json.RawMessage   `json:"data"`
		Errors []json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		failure.Message, failure.kind = strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", response.StatusCode, plainText(response, body))), ErrNotInfrahub
		if response.StatusCode == http.StatusInternalServerError && string(body) == http.StatusText(http.StatusInternalServerError) {
			failure.kind = nil // Infrahub's own, in plain text and without a request id (infrahub.md, Errors)
		}
		return failure
	}
	if len(envelope.Errors) > 0 {
		describe(failure, envelope.Errors[0])
		return failure
	}
	if response.StatusCode != http.StatusOK {
		failure.Message = fmt.Sprintf("HTTP status %d", response.StatusCode)
		return failure
	}
	if err := json.Unmarshal(envelope.Data, answer.Data); err != nil {
		failure.Message, failure.kind, failure.cause = "the answer is not what the schema promises", ErrNotInfrahub, err
		return failure
	}
	return nil
}

// describe fills failure from one entry of "errors": an object, or a string.
func describe(failure *Error, entry json.RawMessage) {
	if json.Unmarshal(entry, &failure.Message) == nil {
		switch failure.Status {
		case http.StatusNotFound:
			failure.kind = ErrBranchNotFound // the URL holds nothing else that could be missing
		case http.StatusUnauthorized, http.StatusForbidden:
			failure.kind = ErrUnauthorized
		}
		return
	}
	var object graphqlError
	if err := json.Unmarshal(entry, &object); err != nil {
		failure.Message, failure.kind = "the server's error could not be read", ErrNotInfrahub
		return
	}
	failure.Message = strings.TrimSpace(object.Message)
	failure.Code, failure.Field, failure.kind = object.code(), object.field(), object.kind(failure.Status)
	failure.crashed = object.Extensions.Status == http.StatusInternalServerError
}

// plainText is the beginning of a body that is not JSON; of HTML only that it is HTML.
func plainText(response *http.Response, body []byte) string {
	const enough = 200
	if strings.Contains(response.Header.Get("Content-Type"), "html") || bytes.Contains(bytes.ToLower(body[:min(len(body), enough)]), []byte("<html")) {
		return "with an HTML page"
	}
	text := strings.Join(strings.Fields(string(body)), " ")
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "…"
	}
	return text
}

// wholeAnswers reads every answer to its end before it counts as one, so that a connection that
// breaks halfway is a transport error like any other, and retried like one. So is a refusal that only its
// body tells.
type wholeAnswers struct {
	userAgent string
	next      http.RoundTripper
}

func (w wholeAnswers) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("User-Agent", w.userAgent)
	response, err := w.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if response.StatusCode == http.StatusOK && mergeInProgress(body) {
		response.StatusCode = http.StatusLocked
	}
	return response, nil
}

// mergeInProgress reports whether the server refused a write because a branch is being merged: it says so
// within an answer that is 200 (infrahub.md, Branches).
func mergeInProgress(body []byte) bool {
	if !bytes.Contains(body, []byte(mergeCode)) {
		return false // most answers are not read twice
	}
	var envelope struct {
		Errors []graphqlError `json:"errors"`
	}
	err := json.Unmarshal(body, &envelope)
	return err == nil && len(envelope.Errors) > 0 && envelope.Errors[0].waitsForMerge()
}

func withoutQuery(location string) string {
	before, _, _ := strings.Cut(location, "?")
	return before
}
