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
)

// newAuthenticator adds to every request what proves who sends it: the token, or a session's.
func newAuthenticator(config Config, client *http.Client) http.RoundTripper {
	if config.Token != "" {
		return tokenAuth{token: config.Token, next: client.Transport}
	}
	return &sessionAuth{
		session: &session{
			client: client, address: config.Address,
			username: config.Username, password: config.Password,
		},
		next: client.Transport,
	}
}

type tokenAuth struct {
	token string
	next  http.RoundTripper
}

func (a tokenAuth) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("X-Infrahub-Key", a.token)
	return a.next.RoundTrip(request)
}

// sessionAuth sends the access token of a session. If the server refuses it, the session is renewed
// and the request sent once more: a refused request was not carried out.
type sessionAuth struct {
	session *session
	next    http.RoundTripper
}

func (a *sessionAuth) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := a.session.token(request.Context(), "")
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

func (a *sessionAuth) send(request *http.Request, token string) (*http.Response, error) {
	request = request.Clone(request.Context())
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, fmt.Errorf("rewind the request: %w", err)
		}
		request.Body = body
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return a.next.RoundTrip(request)
}

// session is a login: an access token for an hour, and a refresh token to get the next one with.
type session struct {
	client             *http.Client
	address            *url.URL
	username, password string

	mu              sync.Mutex
	access, refresh string
	expires         time.Time
}

// beforeExpiry is how long before its end an access token is replaced.
const beforeExpiry = time.Minute

// token returns an access token that is not the refused one: the current one while it lasts, else
// one from the refresh token, else one from a new login.
func (s *session) token(ctx context.Context, refused string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access != "" && s.access != refused && time.Until(s.expires) > beforeExpiry {
		return s.access, nil
	}
	if s.refresh != "" {
		err := s.renew(ctx, "refresh", s.refresh, nil)
		if err == nil {
			return s.access, nil
		}
		if !errors.Is(err, ErrUnauthorized) {
			return "", err
		}
	}
	login := map[string]string{"username": s.username, "password": s.password}
	if err := s.renew(ctx, "login", "", login); err != nil {
		return "", err
	}
	return s.access, nil
}

// renew asks /api/auth/login or /api/auth/refresh for tokens and keeps them.
func (s *session) renew(ctx context.Context, operation, bearer string, body any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s: encode the request: %w", operation, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address.JoinPath("api", "auth", operation).String(), bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("%s: build the request: %w", operation, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return refusal(operation, response, answer)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(answer, &tokens); err != nil || tokens.Access == "" {
		return &Error{
			Operation: operation, Status: response.StatusCode, Message: "the answer holds no access token",
			RequestID: response.Header.Get("X-Request-Id"), kind: ErrNotInfrahub, cause: err,
		}
	}
	s.access, s.expires = tokens.Access, expiry(tokens.Access)
	if tokens.Refresh != "" {
		s.refresh = tokens.Refresh
	}
	return nil
}

// refusal is the error of a login or refresh that was not granted. An unknown user is a 404
// (infrahub.md, Errors), but no less a refusal.
func refusal(operation string, response *http.Response, body []byte) error {
	err := decode(operation, response, body, &genqlient.Response{})
	var failure *Error
	if errors.As(err, &failure) && failure.kind == nil {
		switch response.StatusCode {
		case http.StatusUnauthorized, http.StatusNotFound, http.StatusUnprocessableEntity:
			failure.kind = ErrUnauthorized
		}
	}
	return err
}

// expiry reads when a JSON web token ends. It is a hint, not a proof, so nothing is verified; where
// there is none to read, the token lasts until the server refuses it.
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
