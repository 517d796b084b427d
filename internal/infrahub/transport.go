package infrahub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	genqlient "github.com/Khan/genqlient/graphql"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/attribute"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// transport sends GraphQL operations to one branch and returns every failure as an *Error.
// It implements genqlient's graphql.Client.
type transport struct {
	address  *url.URL
	endpoint *url.URL
	branch   string
	http     *retryablehttp.Client
	// secrets returns what authenticates requests.
	secrets func() []sensitive.Text
	// timeout bounds one attempt.
	timeout time.Duration
	// reads learns of every mutation, which ends its pages.
	reads *sharedReads
	log   *slog.Logger
}

func newTransport(config Config) (*transport, error) {
	network, err := config.Network.httpTransport()
	if err != nil {
		return nil, err
	}
	anonymous := &http.Client{
		Transport: bufferedTransport{userAgent: config.UserAgent, next: network},
		Timeout:   config.Timeout,
		// A redirect would turn a POST into a GET, or carry the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	authenticated := *anonymous
	authentication, secrets := newAuthenticator(config, anonymous)
	authenticated.Transport = newThrottle(authentication, config.Concurrency, config.Timeout)
	authenticated.Timeout = 0 // the throttle's applies
	t := &transport{
		address: config.Address, http: newRetryClient(&authenticated, config.MaxRetries), timeout: config.Timeout,
		secrets: func() []sensitive.Text { return append(secrets(), config.Network.Proxy.Password()) }, reads: &sharedReads{byKind: map[kindKey]any{}}, log: config.Logger,
	}
	return t.withBranch(config.Branch), nil
}

// withBranch returns a transport to another branch, or to the default branch for "", which shares the connections. The name of a branch may hold
// characters that have a meaning in a URL.
func (t *transport) withBranch(branch string) *transport {
	path := []string{"graphql"}
	if branch != "" {
		for part := range strings.SplitSeq(branch, "/") { // some proxies refuse an escaped slash
			part = url.PathEscape(part)
			if part == "." || part == ".." { // no branch, and no way out of graphql
				part = strings.ReplaceAll(part, ".", "%2E")
			}
			path = append(path, part)
		}
	}
	other := *t
	other.branch, other.endpoint = branch, t.address.JoinPath(path...)
	return &other
}

// MakeRequest sends an operation and decodes the data of its response into result. The server's words may repeat what was sent, so
// its error is without the secrets.
func (t *transport) MakeRequest(ctx context.Context, operation *genqlient.Request, result *genqlient.Response) error {
	err := t.send(ctx, operation, result)
	if failure, ok := errors.AsType[*Error](err); ok && failure.Status != 0 { // without a response the words are the client's own
		secrets := append(t.secrets(), secretsIn(reflect.ValueOf(operation.Variables))...)
		failure.Message, failure.RequestID = sensitive.Redact(failure.Message, secrets...), sensitive.Redact(failure.RequestID, secrets...)
	}
	return err
}

func (t *transport) send(ctx context.Context, operation *genqlient.Request, result *genqlient.Response) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", operation.OpName, err)
	}
	request, err := t.newRequest(ctx, operation)
	if err != nil {
		return err
	}
	if isMutation(operation) {
		t.reads.mutated.Store(true)
	}
	retries, noted := withAttempts(request.Context())
	start := time.Now()
	response, err := t.http.Do(request.WithContext(retries))
	if err != nil {
		if response != nil { // it came just as the caller gave up
			_ = response.Body.Close()
		}
		return t.unreachable(ctx, operation, err, *noted)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)                      // bufferedTransport has bounded it
	id := sensitive.Redact(requestID(response), t.secrets()...) // a header of the server's, too, may repeat anything
	// Never log variables or bodies: they hold passwords.
	t.log.DebugContext(ctx, "Infrahub answered",
		"operation", operation.OpName, "branch", t.branch, "status", response.StatusCode,
		"milliseconds", time.Since(start).Milliseconds(), "request_id", id)
	if err != nil {
		return t.unreachable(ctx, operation, err, *noted)
	}
	if isMutation(operation) {
		storeRequestID(ctx, id)
	}
	err = decode(operation.OpName, response, body, result)
	if failure, ok := errors.AsType[*Error](err); ok {
		failure.outcomeUnknown = isMutation(operation) && (failure.outcomeUnknown || noted.outcomeUnknown)
	}
	return err
}

func (t *transport) newRequest(ctx context.Context, operation *genqlient.Request) (*retryablehttp.Request, error) {
	body, err := json.Marshal(operation)
	if err != nil {
		return nil, fmt.Errorf("%s: encode the request: %w", operation.OpName, err)
	}
	request, err := retryablehttp.NewRequestWithContext(operationContext(ctx, operation), http.MethodPost, t.endpoint.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%s: build the request: %w", operation.OpName, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("X-Priority", priority(ctx))
	return request, nil
}

// secretsIn returns the secrets among the variables of an operation.
func secretsIn(variables reflect.Value) []sensitive.Text {
	switch variables.Kind() {
	case reflect.Pointer, reflect.Interface:
		if secret, ok := reflect.TypeAssert[*attribute.Secret](variables); ok && secret != nil && secret.Value != nil {
			return []sensitive.Text{*secret.Value}
		}
		return secretsIn(variables.Elem())
	case reflect.Struct:
		var secrets []sensitive.Text
		for _, field := range variables.Fields() {
			if field.CanInterface() {
				secrets = append(secrets, secretsIn(field)...)
			}
		}
		return secrets
	default:
		return nil
	}
}

// requestID returns the id that the server gave a request, "" if it gave none.
func requestID(response *http.Response) string { return response.Header.Get("X-Request-Id") }

// unreachable returns the error of a request that got no response. An *Error, which a login returns, stays as it
// is. That the request took too long is not the end of the caller's own time.
func (t *transport) unreachable(ctx context.Context, operation *genqlient.Request, err error, noted attempts) error {
	if failure, ok := errors.AsType[*Error](err); ok {
		return failure
	}
	err = withoutURL(err)
	reason := err.Error()
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case ok && timeout.Timeout() && ctx.Err() == nil:
		reason = fmt.Sprintf("none within %s", t.timeout)
		err = errors.New(reason)
	case errors.Is(err, context.DeadlineExceeded):
		reason = "the timeout expired"
	case errors.Is(err, context.Canceled):
		reason = "it was interrupted"
	}
	message := fmt.Sprintf("no response from %s://%s: %s", t.endpoint.Scheme, t.endpoint.Host, reason)
	if noted.lastFailure != "" && noted.lastFailure != err.Error() {
		message += "; the last attempt before that failed: " + noted.lastFailure
	}
	kind := ErrUnreachable
	if errors.Is(err, errTooLong) {
		kind, message = ErrNotInfrahub, reason
	}
	if ctx.Err() != nil && isBusyStatus(noted.lastStatus) {
		kind = ErrBusy // the caller's time ended between two attempts
	}
	return &Error{
		Operation: operation.OpName, Message: message, kind: kind, cause: err,
		outcomeUnknown: isMutation(operation) && noted.outcomeUnknown,
	}
}

// decode reads a response into result. Not every response is GraphQL: errors may be strings
// (infrahub-behaviour.md, Errors 5 and 6) or plain text (infrahub-behaviour.md, Errors 7), and a proxy may
// respond in the server's place.
func decode(operation string, response *http.Response, body []byte, result *genqlient.Response) error {
	failure := &Error{Operation: operation, Status: response.StatusCode, RequestID: requestID(response)}
	if response.StatusCode/100 == 3 {
		location := response.Header.Get("Location")
		if end := strings.IndexAny(location, "?#"); end >= 0 { // what follows may hold a token
			location = location[:end]
		}
		failure.Message, failure.kind = "the server redirects to "+printable(location, maxMessageBytes), ErrNotInfrahub
		return failure
	}
	var envelope struct {
		Data   json.RawMessage   `json:"data"`
		Errors []json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		failure.Message = strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", response.StatusCode, summarize(response, body)))
		failure.kind = ErrNotInfrahub
		if isBusyStatus(response.StatusCode) {
			failure.kind = ErrBusy
		}
		// A page with status 200 may hide what the server has done.
		failure.outcomeUnknown = response.StatusCode == http.StatusOK
		return failure
	}
	if len(envelope.Errors) > 0 {
		failure.describe(envelope.Errors[0])
		return failure
	}
	if response.StatusCode != http.StatusOK {
		failure.Message = fmt.Sprintf("HTTP status %d", response.StatusCode)
		if isBusyStatus(response.StatusCode) {
			failure.kind = ErrBusy
		}
		return failure
	}
	failure.Message, failure.kind, failure.outcomeUnknown = "the response does not fit the schema", ErrNotInfrahub, true
	if err := json.Unmarshal(envelope.Data, result.Data); err != nil {
		failure.cause = err
		return failure
	}
	if missing := missingPart(result.Data); missing != "" {
		failure.Message += ": " + missing + " is missing"
		return failure
	}
	return nil
}

// isBusyStatus reports whether a status means that the server, or a proxy before it, is overloaded, restarting or failing
// (infrahub-behaviour.md, Errors 7 and 10).
func isBusyStatus(status int) bool {
	return status == http.StatusInternalServerError || retryableStatus(status)
}

// describe fills in the error from one entry of "errors", which is an object or a string.
func (e *Error) describe(entry json.RawMessage) {
	if text := ""; string(entry) != "null" && json.Unmarshal(entry, &text) == nil {
		e.Message = printable(text, maxMessageBytes)
		switch e.Status {
		case http.StatusNotFound:
			e.kind = ErrBranchNotFound // the URL names nothing else that could be missing
		case http.StatusUnauthorized, http.StatusForbidden:
			e.kind = ErrUnauthorized
		}
		return
	}
	var object graphqlError
	if err := json.Unmarshal(entry, &object); err != nil || string(entry) == "null" {
		e.Message, e.kind = "the server's error could not be read", ErrNotInfrahub
		return
	}
	e.Message = cmp.Or(printable(object.Message, maxMessageBytes), "the server gives no reason")
	e.Code, e.Field, e.kind = object.code(), object.field(), object.kind(e.Status)
	e.outcomeUnknown = object.Extensions.Status == http.StatusInternalServerError
	if e.kind == nil && isBusyStatus(e.Status) {
		e.kind = ErrBusy
	}
}

// summarize returns the beginning of a body that is not JSON, without its line breaks. It reports HTML as such.
func summarize(response *http.Response, body []byte) string {
	const maxBytes = 200
	if strings.Contains(response.Header.Get("Content-Type"), "html") || bytes.Contains(bytes.ToLower(body[:min(len(body), maxBytes)]), []byte("<html")) {
		return "with an HTML page"
	}
	return printable(strings.Join(strings.Fields(string(body[:min(len(body), 2*maxBytes)])), " "), maxBytes)
}

// bufferedTransport reads each response to its end before it returns it, so that a connection that breaks halfway
// is an error like any other, and is retried. It sets the status that a refused write has only in its body.
type bufferedTransport struct {
	userAgent string
	next      http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bufferedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("User-Agent", b.userAgent)
	response, err := b.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := readBody(response)
	switch {
	case errors.Is(err, errTooLong):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("the response is incomplete: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if response.StatusCode == http.StatusOK && isMergeInProgress(body) {
		response.StatusCode = http.StatusLocked
	}
	return response, nil
}

// isMergeInProgress reports whether the server refused a write because another branch is being merged. Such a
// response has status 200 (infrahub-behaviour.md, Branches 11).
func isMergeInProgress(body []byte) bool {
	if !bytes.Contains(body, []byte(mergeInProgressCode)) {
		return false // spares parsing nearly every body twice
	}
	var envelope struct {
		Errors []graphqlError `json:"errors"`
	}
	err := json.Unmarshal(body, &envelope)
	return err == nil && len(envelope.Errors) > 0 && envelope.Errors[0].endsWithMerge()
}
