package infrahub

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	genqlient "github.com/Khan/genqlient/graphql"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

// newAuthenticator returns a transport that adds credentials to every request: the API token, or the access token
// of a session, which client logs in to. Secrets returns them.
func newAuthenticator(config Config, client *http.Client) (transport http.RoundTripper, secrets func() []sensitive.Text) {
	if !config.Token.IsEmpty() {
		return tokenAuth{token: config.Token, next: client.Transport}, func() []sensitive.Text { return []sensitive.Text{config.Token} }
	}
	login := &session{
		client: client, address: config.Address,
		username: config.Username, password: config.Password,
	}
	return &sessionAuth{session: login, next: client.Transport}, login.secrets
}

// tokenAuth sends an API token.
type tokenAuth struct {
	token sensitive.Text
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a tokenAuth) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("X-Infrahub-Key", a.token.Reveal())
	return a.next.RoundTrip(request)
}

// sessionAuth sends the access token of a session. If the server refuses it, sessionAuth renews the session and
// sends the request once more, which is safe: the server did not carry out what it refused.
type sessionAuth struct {
	session *session
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a *sessionAuth) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := a.session.token(request.Context(), sensitive.Text{})
	if err != nil {
		return nil, err
	}
	response, err := a.send(request, token)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	_ = response.Body.Close()
	renewed, err := a.session.token(request.Context(), token)
	if err != nil {
		return nil, err
	}
	return a.send(request, renewed)
}

func (a *sessionAuth) send(request *http.Request, token sensitive.Text) (*http.Response, error) {
	request = request.Clone(request.Context())
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, fmt.Errorf("rewind the request: %w", err)
		}
		request.Body = body
	}
	request.Header.Set("Authorization", "Bearer "+token.Reveal())
	return a.next.RoundTrip(request)
}

// session is a login: an access token, which lasts an hour, and a refresh token, which gets the next one.
type session struct {
	client   *http.Client
	address  *url.URL
	username string
	password sensitive.Text

	mu              sync.Mutex
	access, refresh sensitive.Text
	expires         time.Time
}

// renewalMargin is how long before its expiry an access token is replaced.
const renewalMargin = time.Minute

// token returns an access token other than the refused one: the current one until shortly before it expires, or
// else one from a refresh, or else one from a new login.
func (s *session) token(ctx context.Context, refused sensitive.Text) (sensitive.Text, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.access.IsEmpty() && !s.access.Equal(refused) && time.Until(s.expires) > renewalMargin {
		return s.access, nil
	}
	if !s.refresh.IsEmpty() {
		err := s.renew(ctx, "refresh", s.refresh, nil)
		if err == nil {
			return s.access, nil
		}
		if !errors.Is(err, ErrUnauthorized) {
			return sensitive.Text{}, err
		}
	}
	login := map[string]string{"username": s.username, "password": s.password.Reveal()}
	if err := s.renew(ctx, "login", sensitive.Text{}, login); err != nil {
		return sensitive.Text{}, err
	}
	return s.access, nil
}

// secrets returns the password and the tokens.
func (s *session) secrets() []sensitive.Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []sensitive.Text{s.password, s.access, s.refresh}
}

// renew requests tokens from /api/auth/login or /api/auth/refresh and stores them.
func (s *session) renew(ctx context.Context, operation string, bearer sensitive.Text, content any) error {
	request, err := s.newRequest(ctx, operation, bearer, content)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return loginError(operation, response, body)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &tokens); err != nil || tokens.Access == "" {
		return &Error{
			Operation: operation, Status: response.StatusCode, Message: "the response holds no access token",
			RequestID: requestID(response), kind: ErrNotInfrahub, cause: err,
		}
	}
	s.access, s.expires = sensitive.New(tokens.Access), expiry(tokens.Access)
	if tokens.Refresh != "" {
		s.refresh = sensitive.New(tokens.Refresh)
	}
	return nil
}

// newRequest returns a request of the authentication API with content as JSON.
func (s *session) newRequest(ctx context.Context, operation string, bearer sensitive.Text, content any) (*http.Request, error) {
	body, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("%s: encode the request: %w", operation, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address.JoinPath("api", "auth", operation).String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: build the request: %w", operation, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if !bearer.IsEmpty() {
		request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	}
	return request, nil
}

// loginError returns the error of a login or refresh that did not succeed. The server responds to an unknown user
// with 404 (infrahub-behaviour.md, Errors 9); that is ErrUnauthorized as well.
func loginError(operation string, response *http.Response, body []byte) error {
	err := decode(operation, response, body, &genqlient.Response{})
	if failure, ok := errors.AsType[*Error](err); ok && failure.kind == nil {
		switch response.StatusCode {
		case http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity:
			failure.kind = ErrUnauthorized
		}
	}
	return err
}

// expiry returns when a JSON web token expires. Its signature is not verified: the time only decides when to
// renew the token. A token whose expiry cannot be read is used until the server refuses it.
func expiry(token string) time.Time {
	never := time.Now().AddDate(1, 0, 0)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return never
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return never
	}
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Expires == 0 {
		return never
	}
	return time.Unix(claims.Expires, 0)
}
