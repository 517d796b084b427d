package mockserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

const refreshTokenLifetime = 30 * 24 * time.Hour

// sessions holds the tokens of all logins (infrahub-behaviour.md, Kinds 4).
type sessions struct {
	account  string
	groupIDs [3]string // of the account's permission, role and group
	lifetime time.Duration
	key      []byte

	mu      sync.Mutex
	access  map[string]time.Time // when each access token expires
	refresh map[string]string    // the session of each refresh token
}

func newSessions(lifetime time.Duration) *sessions {
	return &sessions{
		account: uuid.NewString(), groupIDs: [3]string{uuid.NewString(), uuid.NewString(), uuid.NewString()}, lifetime: lifetime, key: []byte(uuid.NewString()),
		access: map[string]time.Time{}, refresh: map[string]string{},
	}
}

// unauthorized returns a failure that ends a request before it is carried out (infrahub-behaviour.md,
// Errors 3 and 4).
func unauthorized(message, code string) failure {
	return failure{message: message, code: code, status: http.StatusUnauthorized}
}

// newToken returns a token in the form of a JSON web token.
func (s *sessions) newToken(kind, session string, expires time.Time) string {
	part := func(content any) string {
		encoded, _ := json.Marshal(content) // maps of strings, numbers and booleans always encode
		return base64.RawURLEncoding.EncodeToString(encoded)
	}
	now := time.Now().Unix()
	signed := part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." + part(map[string]any{
		"sub": s.account, "iat": now, "nbf": now, "exp": expires.Unix(), "fresh": false, "type": kind, "session_id": session, "jti": uuid.NewString(),
	})
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(signed)) // a hash never fails
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *sessions) newAccessToken(session string) string {
	expires := time.Now().Add(s.lifetime)
	token := s.newToken("access", session, expires)
	s.access[token] = expires
	return token
}

// login starts a session and returns its access token and refresh token.
func (s *sessions) login() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	session := uuid.NewString()
	refresh := s.newToken("refresh", session, time.Now().Add(refreshTokenLifetime))
	s.refresh[refresh] = session
	return map[string]any{"access_token": s.newAccessToken(session), "refresh_token": refresh}
}

// renew returns another access token for a refresh token.
func (s *sessions) renew(token string) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session, ok := s.refresh[token]; ok {
		return map[string]any{"access_token": s.newAccessToken(session)}, nil
	}
	if _, ok := s.access[token]; ok {
		return nil, unauthorized("Invalid token, current token is not a refresh token", "AUTHENTICATION_REQUIRED")
	}
	return nil, unauthorized("Invalid token", "AUTHENTICATION_REQUIRED")
}

// check returns a failure if an access token is invalid or has expired.
func (s *sessions) check(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	expires, ok := s.access[token]
	if _, refresh := s.refresh[token]; refresh {
		return unauthorized("Invalid token, current token is not an access token", "AUTHENTICATION_REQUIRED")
	}
	switch {
	case !ok:
		return unauthorized("Invalid token", "AUTHENTICATION_REQUIRED")
	case time.Now().After(expires):
		return unauthorized("Expired Signature", "TOKEN_EXPIRED")
	}
	return nil
}

// expire expires every access token; the refresh tokens stay valid.
func (s *sessions) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token := range s.access {
		s.access[token] = time.Time{}
	}
}

// ExpireTokens expires every access token so far; refresh tokens stay valid.
func (s *Server) ExpireTokens() { s.sessions.expire() }

// bearerToken returns the bearer token of a request, "" if it has none.
func bearerToken(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// authenticate reports whether a request has a token, and returns a failure if the token is not accepted. A
// request without a token may read.
func (s *Server) authenticate(r *http.Request) (authenticated bool, err error) {
	if token := bearerToken(r); token != "" {
		return true, s.sessions.check(token)
	}
	key := r.Header.Get("X-Infrahub-Key")
	if key != "" && key != s.options.Token {
		return false, unauthorized("Invalid token", "AUTHENTICATION_REQUIRED")
	}
	return key != "", nil
}

// serveLogin answers POST /api/auth/login (infrahub-behaviour.md, Errors 9).
func (s *Server) serveLogin(w http.ResponseWriter, r *http.Request) {
	var credentials struct {
		Username *string `json:"username"`
		Password *string `json:"password"`
	}
	if json.NewDecoder(r.Body).Decode(&credentials) != nil || credentials.Username == nil || credentials.Password == nil {
		detail := map[string]any{"type": "missing", "loc": []string{"body"}, "msg": "Field required"}
		s.replyJSON(w, http.StatusUnprocessableEntity, map[string]any{"detail": []any{detail}})
		return
	}
	switch {
	case *credentials.Username != s.options.Username:
		s.replyREST(w, http.StatusNotFound, "That login user doesn't exist in the system")
	case *credentials.Password != s.options.Password:
		s.replyREST(w, http.StatusUnauthorized, "Incorrect password")
	default:
		s.replyJSON(w, http.StatusOK, s.sessions.login())
	}
}

// serveRefresh answers POST /api/auth/refresh.
func (s *Server) serveRefresh(w http.ResponseWriter, r *http.Request) {
	token := bearerToken(r)
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

// replyREST sends an error of the REST endpoints; its code is the status.
func (s *Server) replyREST(w http.ResponseWriter, status int, message string) {
	body := orderedObject{{"message", message}, {"extensions", map[string]any{"code": status}}}
	s.replyJSON(w, status, orderedObject{{"data", nil}, {"errors", []any{body}}})
}

// newAccount returns the one account of the mock server, which may do everything (infrahub-behaviour.md, Clients 5).
func (s *Server) newAccount() object {
	node := func(kind, id string, hfid []any, label string, more map[string]any) object {
		fields := map[string]any{"id": id, "hfid": hfid, "display_label": label}
		maps.Copy(fields, more)
		return object{kind, fields}
	}
	text := func(content any) object { return object{"TextAttribute", map[string]any{"value": content}} }
	page := func(kind string, node object) object {
		edge := object{"NestedEdged" + kind, map[string]any{"node": node}}
		return object{"NestedPaginated" + kind, map[string]any{"count": 1, "edges": []any{edge}}}
	}
	const role, group, everything = "Super Administrator", "Super Administrators", "global:super_admin:allow_all"
	ids := s.sessions.groupIDs
	permission := node("CoreGlobalPermission", ids[0], []any{"super_admin", "6"}, everything, map[string]any{"identifier": text(everything)})
	roleNode := node("CoreAccountRole", ids[1], []any{role}, role, map[string]any{
		"name": text(role), "permissions": page("CoreBasePermission", permission),
	})
	groupNode := node("CoreAccountGroup", ids[2], []any{group}, group, map[string]any{
		"name": text(group), "group_type": text("default"), "roles": page("CoreAccountRole", roleNode),
	})
	name := s.options.Username
	return node("CoreAccount", s.sessions.account, []any{name}, titleCase(name), map[string]any{
		"name": text(name), "label": text(titleCase(name)), "account_type": text("User"), "description": text(nil),
		"status": object{"Dropdown", map[string]any{"value": "active", "label": "Active"}}, "member_of_groups": page("CoreGroup", groupNode),
	})
}
