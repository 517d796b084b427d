package sensitive_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/sensitive"
)

const canary = "canary-9f86d081884c"

// holder has secrets in every position in which a program holds one.
type holder struct {
	Text    sensitive.Text
	Pointer *sensitive.Text
	URL     sensitive.URL
	List    []sensitive.Text
	Map     map[string]sensitive.Text
	Any     any
	hidden  sensitive.Text
	proxy   sensitive.URL
	nested  struct{ text sensitive.Text }
}

func newHolder() holder {
	text, address := sensitive.New(canary), sensitive.NewURL(&url.URL{Scheme: "http", Host: "proxy.test", User: url.UserPassword("u", canary)})
	h := holder{Text: text, Pointer: &text, URL: address, List: []sensitive.Text{text}, Map: map[string]sensitive.Text{"k": text}, Any: text, hidden: text, proxy: address}
	h.nested.text = text
	return h
}

func TestSecret_NoPrintingShowsIt(t *testing.T) {
	t.Parallel()
	h := newHolder()
	for _, value := range []any{h, &h, h.Text, &h.Text, h.URL, &h.URL, h.List, h.Map, []any{h}, errors.New(h.Text.String()), h.hidden, h.proxy, h.nested} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%08s"} {
			if printed := fmt.Sprintf(verb, value); strings.Contains(printed, canary) || strings.Contains(printed, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T shows it: %s", verb, value, printed)
			}
		}
		encoded, err := json.Marshal(value)
		if err == nil && bytes.Contains(encoded, []byte(canary)) {
			t.Errorf("JSON of %T shows it: %s", value, encoded)
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(to *bytes.Buffer) slog.Handler { return slog.NewTextHandler(to, nil) },
			func(to *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(to, nil) },
		} {
			var log bytes.Buffer
			slog.New(handler(&log)).Info("x", "value", value)
			if bytes.Contains(log.Bytes(), []byte(canary)) {
				t.Errorf("the log of %T shows it: %s", value, log.String())
			}
		}
	}
}

func TestSecret_RevealAndCompare(t *testing.T) {
	t.Parallel()
	text := sensitive.New(canary)
	if text.Reveal() != canary || !text.Equal(sensitive.New(canary)) || text.Equal(sensitive.New("other")) || text.IsEmpty() {
		t.Error("a secret is not what it was made of")
	}
	var none sensitive.Text
	if none.Reveal() != "" || !none.IsEmpty() || !sensitive.New("").Equal(none) {
		t.Error("the zero secret is not empty")
	}
	address := newHolder().URL
	if address.Password().Reveal() != canary || address.Reveal().Host != "proxy.test" || address.String() != "http://u:xxxxx@proxy.test" {
		t.Errorf("the URL is %s", address)
	}
	if none := (sensitive.URL{}); none.Reveal() != nil || none.String() != "" || !none.Password().IsEmpty() {
		t.Error("the zero URL is one")
	}
}
