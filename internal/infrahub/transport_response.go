package infrahub

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// maxResponseBytes bounds a response. A page of 100 repositories has some 100 kB, one of 200 tasks about as much.
const maxResponseBytes = 64 << 20

// errTooLong is a response that is longer than maxResponseBytes. It is not requested again.
var errTooLong = fmt.Errorf("the response is longer than %d MiB", maxResponseBytes>>20)

// readBody reads a body to its end and closes it. The error is errTooLong if there is no end within maxResponseBytes.
func readBody(response *http.Response) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, response.Body, maxResponseBytes))
	_ = response.Body.Close()
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, errTooLong
	}
	return body, err
}

// nullable are the names of the objects in a response that may be null. Every other object, and every list, is there, or the
// response does not fit the schema.
func nullable(name string) bool {
	switch name {
	case "node", "object", "task", "logs":
		return true
	default:
		return false
	}
}

// missingPart returns the path of the first object, list or id that a decoded response lacks although the schema promises it, "" if
// it lacks none. A list that is null must not be taken for an empty one, which would say that an object is gone. Attributes may be null.
func missingPart(data any) string {
	return strings.TrimPrefix(missingIn(reflect.ValueOf(data)), ".")
}

func missingIn(value reflect.Value) string {
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct {
		return ""
	}
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		if name == "-" { // a fragment, whose fields are the object's own
			if path := missingIn(value.Field(i)); path != "" {
				return path
			}
			continue
		}
		if path, missing := missingField(name, value.Field(i)); missing {
			return "." + name + path
		}
	}
	return ""
}

// missingField returns the path below a field of what is missing there.
func missingField(name string, field reflect.Value) (path string, missing bool) {
	switch {
	case name == "id" && field.Kind() == reflect.String:
		return "", field.Len() == 0
	case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Pointer:
		if field.IsNil() {
			return "", true
		}
		for i := range field.Len() {
			if path, missing := missingField(strconv.Itoa(i), field.Index(i)); missing {
				return "." + strconv.Itoa(i) + path, true
			}
		}
		return "", false
	case !isObject(field.Type()):
		return "", false
	case field.Kind() == reflect.Pointer && field.IsNil():
		return "", !nullable(name)
	default:
		path := missingIn(field)
		return path, path != ""
	}
}

// isObject reports whether a type stands for an object of the schema whose fields were selected, and not for an attribute.
func isObject(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && strings.HasSuffix(t.PkgPath(), "/internal/infrahub/graphql")
}

// maxMessageBytes bounds what is repeated of a server's message.
const maxMessageBytes = 4096

// userinfo matches the user and the password in a URL.
var userinfo = regexp.MustCompile(`://[^/@\s'"]*@`)

// printable returns a text of the server without control characters, which a terminal might obey, without the users and passwords of
// URLs, and not longer than a limit.
func printable(text string, maxBytes int) string {
	text = userinfo.ReplaceAllLiteralString(text, "://")
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(text, "\uFFFD")))
	if len(text) > maxBytes {
		text = strings.ToValidUTF8(text[:maxBytes], "") + "…"
	}
	return text
}
