package mockserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

const refreshTokenLifetime = 30 * 24 * time.Hour

// sessions are the tokens that logins were given, and when each ends.
type sessions struct {
	account  string
	lifetime time.Duration
	key      []byte

	mu      sync.Mutex
	access  map[string]time.Time
	refresh map[string]string // to the session it belongs to
}

func newSessions(lifetime time.Duration) *sessions {
	return &sessions{
		account: uuid.NewString(), lifetime: lifetime, key: []byte(uuid.NewString()),
		access: map[string]time.Time{}, refresh: map[string]string{},
	}
}

// unauthorized is an error that ends a request before it is carried out.
func unauthorized(message, code string) failure {
	return failure{message: message, code: code, status: http.StatusUnauthorized}
}

// newToken makes a token shaped like a JSON web token.
func (s *sessions) newToken(kind, session string, ends time.Time) string {
	part := func(content any) string {
		encoded, _ := json.Marshal(content) // maps of strings, numbers and booleans always encode
		return base64.RawURLEncoding.EncodeToString(encoded)
	}
	now := time.Now().Unix()
	signed := part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." + part(map[string]any{
		"sub": s.account, "iat": now, "nbf": now, "exp": ends.Unix(), "fresh": false, "type": kind, "session_id": session, "jti": uuid.NewString(),
	})
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(signed)) // a hash never fails
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *sessions) newAccess(session string) string {
	ends := time.Now().Add(s.lifetime)
	token := s.newToken("access", session, ends)
	s.access[token] = ends
	return token
}

// login starts a session: an access token and a refresh token.
func (s *sessions) login() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := uuid.NewString()
	refresh := s.newToken("refresh", session, time.Now().Add(refreshTokenLifetime))
	s.refresh[refresh] = session
	return map[string]any{"access_token": s.newAccess(session), "refresh_token": refresh}
}

// renew gives another access token for a refresh token.
func (s *sessions) renew(token string) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session, ok := s.refresh[token]; ok {
		return map[string]any{"access_token": s.newAccess(session)}, nil
	}
	if _, ok := s.access[token]; ok {
		return nil, unauthorized("Invalid token, current token is not a refresh token", "AUTHENTICATION_REQUIRED")
	}
	return nil, unauthorized("Invalid token", "AUTHENTICATION_REQUIRED")
}

// check says whether an access token is good.
func (s *sessions) check(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends, ok := s.access[token]
	if _, refresh := s.refresh[token]; refresh {
		return unauthorized("Invalid token, current token is not an access token", "AUTHENTICATION_REQUIRED")
	}
	switch {
	case !ok:
		return unauthorized("Invalid token", "AUTHENTICATION_REQUIRED")
	case time.Now().After(ends):
		return unauthorized("Expired Signature", "TOKEN_EXPIRED")
	}
	return nil
}

// expire ends every access token; the refresh tokens stay good.
func (s *sessions) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token := range s.access {
		s.access[token] = time.Time{}
	}
}

// ExpireTokens ends every access token that was given so far; refresh tokens stay good.
func (s *Server) ExpireTokens() { s.sessions.expire() }

func bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// authenticate says whether a request proves who sends it; one without any proof may read.
func (s *Server) authenticate(r *http.Request) (known bool, err error) {
	if token := bearer(r); token != "" {
		return true, s.sessions.check(token)
	}
	key := r.Header.Get("X-Infrahub-Key")
	if key != "" && key != s.options.Token {
		return false, unauthorized("Invalid token", "AUTHENTICATION_REQUIRED")
	}
	return key != "", nil
}

// serveLogin answers POST /api/auth/login. Errors of the REST layer have the status as their code.
func (s *Server) serveLogin(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Username *string `json:"username"`
		Password *string `json:"password"`
	}
	if json.NewDecoder(r.Body).Decode(&given) != nil || given.Username == nil || given.Password == nil {
		detail := map[string]any{"type": "missing", "loc": []string{"body"}, "msg": "Field required"}
		s.replyJSON(w, http.StatusUnprocessableEntity, map[string]any{"detail": []any{detail}})
		return
	}
	switch {
	case *given.Username != s.options.Username:
		s.replyREST(w, http.StatusNotFound, "That login user doesn't exist in the system")
	case *given.Password != s.options.Password:
		s.replyREST(w, http.StatusUnauthorized, "Incorrect password")
	default:
		s.replyJSON(w, http.StatusOK, s.sessions.login())
	}
}

// serveRefresh answers POST /api/auth/refresh.
func (s *Server) serveRefresh(w http.ResponseWriter, r *http.Request) {
	token := bearer(r)
	if token == "" {
		s.replyREST(w, http.StatusUnauthorized, "A JWT refresh token is required to perform this operation.")
		return
	}
	tokens, err := s.sessions.renew(token)
	if err != nil {
		s.replyREST(w, http.StatusUnauthorized, err.Error())
		return
	}
	s.replyJSON(w, http.StatusOK, tokens)
}

func (s *Server) replyREST(w http.ResponseWriter, status int, message string) {
	each := map[string]any{"message": message, "extensions": map[string]any{"code": status}}
	s.replyJSON(w, status, map[string]any{"data": nil, "errors": []any{each}})
}
