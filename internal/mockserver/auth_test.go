package mockserver_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

const (
	readTags  = `{"query":"{BuiltinTag{count}}"}`
	createTag = `{"query":"mutation{BuiltinTagCreate(data:{name:{value:\"t\"}}){ok}}"}`
	loginBody = `{"username":"admin","password":"infrahub"}`
)

func TestAuth_TokensAndPasswords(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	tokens := m.post(t, "/api/auth/login", loginBody)
	access, refresh := tokens.Text("access_token"), tokens.Text("refresh_token")
	const required = `{"data":null,"errors":[{"extensions":{"code":"AUTHENTICATION_REQUIRED","data":{},"http_status":401},"message":"`
	for _, test := range []struct {
		name, path, body string
		headers          []string
		status           int
		want             string
	}{
		{"anonymous reads", "/graphql", readTags, nil, 200, `{"data":{"BuiltinTag":{"count":0}}}`},
		{"anonymous changes", "/graphql", createTag, nil, 401, required + `Authentication is required to perform this operation"}]}`},
		{"wrong token", "/graphql", readTags, []string{"X-INFRAHUB-KEY", "bad"}, 401, required + `Invalid token"}]}`},
		{"wrong bearer", "/graphql", readTags, []string{"Authorization", "Bearer bad"}, 401, required + `Invalid token"}]}`},
		{"refresh token for access", "/graphql", readTags, []string{"Authorization", "Bearer " + refresh}, 401, required + `Invalid token, current token is not an access token"}]}`},
		{"access token", "/graphql", readTags, []string{"Authorization", "Bearer " + access}, 200, `{"data":{"BuiltinTag":{"count":0}}}`},
		{"wrong password", "/api/auth/login", `{"username":"admin","password":"x"}`, nil, 401, `{"data":null,"errors":[{"message":"Incorrect password","extensions":{"code":401}}]}`},
		{"unknown user", "/api/auth/login", `{"username":"x","password":"x"}`, nil, 404, `{"data":null,"errors":[{"message":"That login user doesn't exist in the system","extensions":{"code":404}}]}`},
		{"no password", "/api/auth/login", `{"username":"x"}`, nil, 422, `{"detail":[{"loc":["body"],"msg":"Field required","type":"missing"}]}`},
		{"refresh without token", "/api/auth/refresh", ``, nil, 401, `{"data":null,"errors":[{"message":"A JWT refresh token is required to perform this operation.","extensions":{"code":401}}]}`},
		{"refresh with the access token", "/api/auth/refresh", ``, []string{"Authorization", "Bearer " + access}, 401, `{"data":null,"errors":[{"message":"Invalid token, current token is not a refresh token","extensions":{"code":401}}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := m.post(t, test.path, test.body, test.headers...)
			if got.Status != test.status || got.Body != test.want {
				t.Errorf("got %d %s\nwant %d %s", got.Status, got.Body, test.status, test.want)
			}
			if got.Header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
		})
	}
}

func TestAuth_AccessTokenHasItsExpiry(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{AccessTokenLifetime: 2 * time.Minute})
	parts := strings.Split(m.post(t, "/api/auth/login", loginBody).Text("access_token"), ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts, want those of a JSON web token", len(parts))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(time.Unix(claims.Expires, 0)); left < time.Minute || left > 2*time.Minute {
		t.Errorf("expires in %s, want 2 minutes", left)
	}
}

func TestAuth_ExpiredTokensAreRefreshed(t *testing.T) {
	t.Parallel()
	m := start(t, mockserver.Options{})
	tokens := m.post(t, "/api/auth/login", loginBody)
	m.ExpireTokens()
	got := m.post(t, "/graphql", createTag, "Authorization", "Bearer "+tokens.Text("access_token"))
	if got.Status != http.StatusUnauthorized || got.At("errors.0.extensions.code") != "TOKEN_EXPIRED" || got.At("errors.0.message") != "Expired Signature" {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	again := m.post(t, "/api/auth/refresh", "", "Authorization", "Bearer "+tokens.Text("refresh_token"))
	if again.At("refresh_token") != nil {
		t.Errorf("a refresh returns a refresh token: %s", again.Body)
	}
	if got := m.post(t, "/graphql", createTag, "Authorization", "Bearer "+again.Text("access_token")); got.Status != http.StatusOK {
		t.Errorf("with the new token: %d %s", got.Status, got.Body)
	}
}
