package infrahub

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// cutLiteral reads the Python string or bytes literal, as repr writes it, that a text begins with. It returns the value, and the
// text after the literal. A literal without a closing quote ends with the text. Found is false if the text begins with no literal.
func cutLiteral(text string) (value, rest string, found bool) {
	quoted := strings.TrimPrefix(text, "b")
	isBytes := quoted != text
	if quoted == "" || quoted[0] != '\'' && quoted[0] != '"' {
		return "", text, false
	}
	quote, rest := quoted[0], quoted[1:]
	var read strings.Builder
	for rest != "" && rest[0] != quote {
		if rest[0] == '\\' {
			rest = readEscape(&read, rest, isBytes)
			continue
		}
		_, size := utf8.DecodeRuneInString(rest)
		read.WriteString(rest[:size])
		rest = rest[size:]
	}
	if rest != "" {
		rest = rest[1:]
	}
	return strings.ToValidUTF8(read.String(), "\uFFFD"), rest, true
}

// readEscape writes the value of the escape sequence that a text begins with, and returns the text after it. As in Python, a
// backslash that begins no escape sequence stands for itself.
func readEscape(to *strings.Builder, text string, isBytes bool) string {
	if len(text) == 1 {
		to.WriteByte('\\') // the literal is cut off
		return ""
	}
	const letters, values = `\'"abfnrtv`, "\\'\"\a\b\f\n\r\t\v"
	if at := strings.IndexByte(letters, text[1]); at >= 0 {
		to.WriteByte(values[at])
		return text[2:]
	}
	switch kind := text[1]; {
	case kind == '\n':
		return text[2:] // the line goes on
	case kind == 'x':
		return readCode(to, text, text[2:], 16, 2, 2, isBytes)
	case kind == 'u' && !isBytes:
		return readCode(to, text, text[2:], 16, 4, 4, isBytes)
	case kind == 'U' && !isBytes:
		return readCode(to, text, text[2:], 16, 8, 8, isBytes)
	default:
		return readCode(to, text, text[1:], 8, 1, 3, isBytes)
	}
}

// readCode writes the character, or the byte, of an escape sequence whose code begins digits. It returns the text after it.
func readCode(to *strings.Builder, text, digits string, base, least, most int, isBytes bool) string {
	alphabet := "0123456789abcdefABCDEF"
	if base == 8 {
		alphabet = "01234567"
	}
	code := digits[:min(most, len(digits))]
	code = code[:len(code)-len(strings.TrimLeft(code, alphabet))]
	number, err := strconv.ParseInt(code, base, 64)
	switch {
	case err != nil || len(code) < least:
		to.WriteByte('\\')
		return text[1:]
	case isBytes:
		to.WriteByte(byte(number & 0xff))
	case number > utf8.MaxRune:
		to.WriteRune(utf8.RuneError)
	default:
		to.WriteRune(rune(number)) //nolint:gosec // the case before bounds it
	}
	return digits[len(code):]
}

// cutCall reads a call such as GraphQLError('No.', locations=[…]) that a text begins with. It returns the name, the arguments as
// they are written, and the text after the call. A call without a closing parenthesis ends with the text. Found is false if the
// text begins with no call of an exception.
func cutCall(text string) (name, arguments, rest string, found bool) {
	name, arguments = cutWord(text)
	if !strings.HasPrefix(arguments, "(") || !strings.HasSuffix(name, "Error") && !strings.HasSuffix(name, "Exception") {
		return "", "", text, false
	}
	arguments = arguments[1:]
	depth := 1
	for rest = arguments; rest != ""; {
		if _, after, isLiteral := cutLiteral(rest); isLiteral {
			rest = after
			continue
		}
		depth += nesting(rest[0])
		rest = rest[1:]
		if depth == 0 {
			return name, arguments[:len(arguments)-len(rest)-1], rest, true
		}
	}
	return name, arguments, "", true
}

// nesting returns 1 for a bracket that opens, -1 for one that closes, and 0 for any other character.
func nesting(character byte) int {
	switch character {
	case '(', '[', '{':
		return 1
	case ')', ']', '}':
		return -1
	default:
		return 0
	}
}

// plainExceptions returns a text in which each exception that is written as a call, such as GraphQLError('No.'), is its message. A
// list of them has no brackets.
func plainExceptions(text string) string {
	var plain strings.Builder
	for text != "" {
		inList := strings.HasPrefix(text, "[")
		messages, rest := cutExceptions(strings.TrimPrefix(text, "["))
		if messages != nil {
			plain.WriteString(strings.Join(messages, "; "))
			if inList {
				rest = strings.TrimPrefix(rest, "]")
			}
			text = rest
			continue
		}
		word, _ := cutWord(text) // a call begins with a whole word
		next := max(len(word), 1)
		plain.WriteString(text[:next])
		text = text[next:]
	}
	return plain.String()
}

// cutExceptions reads the calls of exceptions that a text begins with, with commas between them. It returns their messages, nil if
// there are none, and the text after them.
func cutExceptions(text string) (messages []string, rest string) {
	for {
		_, arguments, after, isCall := cutCall(text)
		message, options, isText := cutLiteral(arguments)
		if !isCall || !isText {
			return messages, text
		}
		if position := errorPosition.FindStringSubmatch(options); position != nil {
			message = fmt.Sprintf("%s (line %s, column %s)", strings.TrimSuffix(message, "."), position[1], position[2])
		}
		messages = append(messages, message)
		following, more := strings.CutPrefix(after, ", ")
		if _, _, _, isCall := cutCall(following); !more || !isCall {
			return messages, after
		}
		text = following
	}
}

// cutWord returns the name of a class, with its modules, that a text begins with, and the text after it.
func cutWord(text string) (word, rest string) {
	rest = strings.TrimLeft(text, "_.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	return text[:len(text)-len(rest)], rest
}
