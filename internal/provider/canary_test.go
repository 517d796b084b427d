package provider

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-log/tflogtest"
	"github.com/hashicorp/terraform-plugin-log/tfsdklogtest"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// canaries is a run of everything that handles secrets, with a server that may repeat what it gets.
type canaries struct {
	*server
	t     *testing.T
	proxy *httptest.Server
	// mu guards what follows.
	mu sync.Mutex
	// repeat answers with what the server got, nil where it answers as it should.
	repeat func(w http.ResponseWriter, got string)
	// sent is what came over the wire.
	sent strings.Builder
	// tokens are those of the last login.
	access, refresh string
	// places are the texts in which a secret may be seen, by the name of the place.
	places map[string]*strings.Builder
	// logs are written to at any time.
	log, mockLog logBuffer
}

func newCanaries(t *testing.T) *canaries {
	t.Helper()
	c := &canaries{t: t, places: map[string]*strings.Builder{}}
	c.server = &server{Server: mocktest.New(t, mockserver.Options{
		Token: "canary-api-token", Password: "canary-login", Log: slog.New(slog.NewTextHandler(&c.mockLog, nil)),
	})}
	c.proxy = httptest.NewServer(http.HandlerFunc(c.forward))
	t.Cleanup(c.proxy.Close)
	return c
}

// forward is both the proxy and the server. It keeps what it gets.
func (c *canaries) forward(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	_, basic, _ := strings.Cut(r.Header.Get("Proxy-Authorization"), " ")
	proxyLogin, _ := base64.StdEncoding.DecodeString(basic) // "" if there is none
	got := fmt.Sprint(r.Header.Get("X-Infrahub-Key"), " ", r.Header.Get("Authorization"), " ", string(proxyLogin), " ", string(body))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent.WriteString(got)
	if c.repeat != nil {
		if c.access != "" && strings.Contains(got, c.access) { // in the session that has both
			got += " " + c.refresh
		}
		c.repeat(w, got+" https://bot:canary-url@git.example.com/r.git?token=x")
		return
	}
	r.Body, r.URL.Scheme, r.URL.Host = io.NopCloser(bytes.NewReader(body)), "", ""
	answer := httptest.NewRecorder()
	c.Log.ServeHTTP(answer, r)
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal(answer.Body.Bytes(), &tokens) == nil && tokens.Access != "" {
		c.access, c.refresh = tokens.Access, tokens.Refresh
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (c *canaries) setRepeat(repeat func(w http.ResponseWriter, got string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.repeat = repeat
}

// note adds what a user sees to a place.
func (c *canaries) note(place string, seen ...any) {
	if c.places[place] == nil {
		c.places[place] = &strings.Builder{}
	}
	_, _ = fmt.Fprintf(c.places[place], "%+v\n", seen)
}

func (c *canaries) noteDiagnostics(diags diagnostics) {
	c.note("diagnostics", diags.errors(), diags.warnings())
}

// run handles every secret, as a user with a login does: well, and then with a server that fails in several ways.
func (c *canaries) run(login attributes) {
	c.t.Helper()
	p := newProvider(c.t)
	p.ctx = tfsdklogtest.RootLogger(tflogtest.RootLogger(p.ctx, &c.log), &c.log)
	block := attributes{
		"address": "http://infrahub.invalid:8000", "max_retries": 0, "proxy": strings.Replace(c.proxy.URL, "://", "://bot:canary-proxy@", 1),
		"git_token": "canary-git-token", "git_hosts": []string{"127.0.0.1"},
	}.with(login)
	c.noteDiagnostics(p.configure(block))
	stored, writeOnly := p.newInstance(credentialType), p.newInstance(credentialType)
	config, hidden := attributes{"name": "stored", "username": "bot", "password": "canary-password"}, attributes{"name": "hidden", "username": "bot", "password_wo": "canary-write-only", "password_wo_version": 1}
	for _, each := range []struct {
		*instance
		attributes
	}{{stored, config}, {writeOnly, hidden}} {
		plan := each.plan(each.attributes)
		c.note("plan", plan.state)
		c.note("private state", string(plan.private))
		c.noteDiagnostics(each.apply(plan))
		c.noteDiagnostics(each.refresh())
		c.note("state", each.state, each.identity)
		c.note("private state", string(each.private))
	}
	for _, repeat := range repeatingAnswers() {
		c.setRepeat(repeat)
		changed := stored.plan(config.with(attributes{"description": "new", "password": "canary-password"}))
		c.noteDiagnostics(changed.diagnostics)
		again := *stored
		changed = again.plan(config.with(attributes{"username": "other", "password": "canary-password-2"}))
		c.noteDiagnostics(again.apply(changed))
		twice := *writeOnly
		c.noteDiagnostics(twice.apply(twice.plan(hidden.with(attributes{"password_wo": "canary-write-only", "password_wo_version": 2}))))
		c.noteDiagnostics(stored.refresh())
		other := newProvider(c.t)
		other.ctx = p.ctx
		c.noteDiagnostics(other.configure(block))
		c.setRepeat(nil)
	}
	c.git(p)
	c.note("page of the mock", c.Send(c.t, http.MethodGet, "/", "").Body)
	stored.mustDestroy()
	writeOnly.mustDestroy()
}

// repeatingAnswers are the ways in which a server, or what stands before it, repeats what it got.
func repeatingAnswers() []func(w http.ResponseWriter, got string) {
	graphqlError := func(status int) func(w http.ResponseWriter, got string) {
		return func(w http.ResponseWriter, got string) {
			body, _ := json.Marshal(map[string]any{"data": nil, "errors": []any{map[string]any{"message": "Refused: " + got}}}) // texts always encode
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Request-Id", strings.Fields(got)[0])
			w.WriteHeader(status)
			_, _ = w.Write(body)
		}
	}
	return []func(w http.ResponseWriter, got string){
		graphqlError(http.StatusOK), graphqlError(http.StatusUnauthorized), graphqlError(http.StatusInternalServerError),
		func(w http.ResponseWriter, got string) {
			body, _ := json.Marshal(map[string]any{"errors": []string{got}}) // texts always encode
			_, _ = w.Write(body)
		},
		func(w http.ResponseWriter, got string) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, got)
		},
		func(w http.ResponseWriter, got string) {
			w.Header().Set("Location", "https://bot:canary-url@login.example.com/?token="+strings.Fields(got)[0]+"#"+strings.Fields(got)[0])
			w.WriteHeader(http.StatusFound)
		},
	}
}

// git lets the provider ask Git remotes that repeat its token, and validates locations that hold a password.
func (c *canaries) git(p *testProvider) {
	c.t.Helper()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError, http.StatusOK} {
		remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, token, sent := r.BasicAuth()
			if !sent {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			c.mu.Lock()
			c.sent.WriteString(token)
			c.mu.Unlock()
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			w.WriteHeader(status)
			line := "ERR refused: " + token + " " + r.Header.Get("Authorization")
			_, _ = fmt.Fprintf(w, "%04x%s", len(line)+4, line)
		}))
		// The proxy is for Infrahub alone here: Git asks a host of this machine through it as well.
		direct := newProvider(c.t)
		direct.ctx = p.ctx
		c.noteDiagnostics(direct.configure(attributes{"address": c.proxy.URL, "api_token": c.Token, "git_token": "canary-git-token"}))
		_, diags := direct.readDataSource("infrahub_git_ref", attributes{"location": remote.URL + "/r.git", "ref": "main"})
		c.noteDiagnostics(diags)
		remote.Close()
	}
	for _, location := range []string{"https://bot:canary-url@git.example.com/r.git", "https://git.example.com/r.git?token=canary-url", "ssh://bot:canary-url@git.example.com/r.git", "https://bot:canary-url@git.example.com:x/r.git"} {
		c.noteDiagnostics(p.validate(readOnlyType, attributes{"name": "n", "ref": "v1", "location": location}))
	}
}

// TestCanaries looks for every secret in every place. One that was never sent would prove nothing.
func TestCanaries(t *testing.T) {
	t.Parallel()
	c := newCanaries(t)
	c.run(attributes{"api_token": "canary-api-token"})
	c.run(attributes{"username": mockserver.DefaultUsername, "password": "canary-login"})
	c.note("log of the provider", c.log.String())
	c.note("log of the mock", c.mockLog.String())
	for place, least := range map[string]string{"log of the provider": "Infrahub answered", "log of the mock": "CreateCredential", "diagnostics": "Not Updated", "page of the mock": "CorePasswordCredential", "plan": "stored", "state": "hidden"} {
		if !strings.Contains(c.places[place].String(), least) {
			t.Errorf("the %s has no %q: nothing was looked at", place, least)
		}
	}
	secrets := map[string]string{
		"api_token": "canary-api-token", "password of the login": "canary-login", "access token": c.access, "refresh token": c.refresh, "password": "canary-password",
		"password_wo": "canary-write-only", "git_token": "canary-git-token", "password of the proxy": "canary-proxy", "password in a URL": "canary-url",
	}
	allowed := []string{"password in the plan", "password in the state"} // as documented
	table := fmt.Sprintf("%-24s", "")
	places := slices.Sorted(maps.Keys(c.places))
	for _, place := range places {
		table += fmt.Sprintf("%-22s", place)
	}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		table += fmt.Sprintf("\n%-24s", name)
		secret := secrets[name]
		if secret == "" || !strings.Contains(c.sent.String(), secret) && name != "refresh token" && name != "password in a URL" {
			t.Errorf("%s was never sent", name)
		}
		for _, place := range places {
			text := c.places[place].String()
			found := strings.Contains(text, secret) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("git:"+secret))) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("bot:"+secret)))
			expected := slices.Contains(allowed, name+" in the "+place)
			switch {
			case found && expected:
				table += fmt.Sprintf("%-22s", "documented")
			case found:
				table += fmt.Sprintf("%-22s", "SEEN")
				at := strings.Index(text, secret)
				t.Errorf("%s is in the %s: …%s…", name, place, text[max(0, at-300):min(len(text), at+100)])
			case expected:
				t.Errorf("%s is not in the %s, where it is documented: the search does not work", name, place)
			default:
				table += fmt.Sprintf("%-22s", "clean")
			}
		}
	}
	t.Log("\n" + table)
}
