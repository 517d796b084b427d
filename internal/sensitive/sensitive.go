// Package sensitive holds values that nothing shows by accident: no printing, no logging and no encoding. Only Reveal does.
package sensitive

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// hidden is what stands for a secret.
const hidden = "(secret)"

// Text is a secret text. The zero Text is empty.
type Text struct {
	// text is a pointer, because fmt prints unexported fields of a struct around it without asking Format.
	text *string
}

// New returns a text as a secret.
func New(text string) Text {
	if text == "" {
		return Text{}
	}
	return Text{&text}
}

// Reveal returns the text. What gets it must send it to where it belongs, and nowhere else.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// IsEmpty reports whether the text is "".
func (t Text) IsEmpty() bool { return t.text == nil }

// Equal reports whether two secrets have the same text.
func (t Text) Equal(other Text) bool { return t.Reveal() == other.Reveal() }

// String implements fmt.Stringer.
func (Text) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Text) GoString() string { return hidden }

// Format implements fmt.Formatter for every verb.
func (Text) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, hidden) }

// LogValue implements slog.LogValuer.
func (Text) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (Text) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Redact returns a text of somebody else's without the secrets, which it may repeat.
func Redact(text string, secrets ...Text) string {
	for _, secret := range secrets {
		if !secret.IsEmpty() {
			text = strings.ReplaceAll(text, secret.Reveal(), "***")
		}
	}
	return text
}

// URL is a URL that may hold a password. The zero URL is none.
type URL struct {
	url *url.URL
}

// NewURL returns a URL whose password is not shown; nil is none.
func NewURL(address *url.URL) URL { return URL{address} }

// Reveal returns the URL with its password, nil if there is none. What gets it must connect to it, and nothing else.
func (u URL) Reveal() *url.URL { return u.url }

// Password returns the password alone.
func (u URL) Password() Text {
	if u.url == nil {
		return Text{}
	}
	password, _ := u.url.User.Password()
	return New(password)
}

// Equal reports whether two URLs are the same, passwords included.
func (u URL) Equal(other URL) bool {
	if u.url == nil || other.url == nil {
		return u.url == other.url
	}
	return u.url.String() == other.url.String()
}

// String returns the URL without its password, "" if there is none.
func (u URL) String() string {
	if u.url == nil {
		return ""
	}
	return u.url.Redacted()
}

// Format implements fmt.Formatter for every verb.
func (u URL) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, u.String()) }

// LogValue implements slog.LogValuer.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText implements encoding.TextMarshaler, which JSON uses too.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
