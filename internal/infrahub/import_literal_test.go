package infrahub

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLiteral_IsReadAsPythonReadsIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, value, rest string }{
		{"single quotes", `'a')`, "a", ")"},
		{"double quotes", `"a")`, "a", ")"},
		{"the other quote", `"it's" 'x'`, "it's", " 'x'"},
		{"both quotes", `'it\'s "here"'`, `it's "here"`, ""},
		{"both quotes, escaped both", `'\'\"'`, `'"`, ""},
		{"a backslash at the end", `'C:\\' rest`, `C:\`, " rest"},
		{"two backslashes and a quote", `'\\\'' rest`, `\'`, " rest"},
		{"a line break and a tab", `'a\n\tb\r'`, "a\n\tb\r", ""},
		{"control characters", `'\a\b\f\v\x00\x7f'`, "\a\b\f\v\x00\x7f", ""},
		{"hexadecimal", `'caf\xe9'`, "café", ""},
		{"Unicode", `'\u20ac \U0001f600'`, "€ 😀", ""},
		{"Unicode as it is", `'€ é 😀'`, "€ é 😀", ""},
		{"half of a surrogate pair", `'\ud83d!'`, "\uFFFD!", ""},
		{"beyond Unicode", `'\U00110000!'`, "\uFFFD!", ""},
		{"octal", `'\101\0\1018'`, "A\x00A8", ""},
		{"no escape sequence", `'\d\xg1\u12'`, `\d\xg1\u12`, ""},
		{"a line that goes on", "'a\\\nb'", "ab", ""},
		{"bytes", `b'fatal: \xe2\x82\xac\n'`, "fatal: €\n", ""},
		{"bytes that are no text", `b'\xff!'`, "\uFFFD!", ""},
		{"bytes know no Unicode", `b'\u20ac'`, `\u20ac`, ""},
		{"empty", `'' rest`, "", " rest"},
		{"no closing quote", `'cut off`, "cut off", ""},
		{"no closing quote, but another", `'it"s`, `it"s`, ""},
		{"cut off in an escape sequence", `'cut\`, `cut\`, ""},
		{"cut off in a code", `'cut\u20`, `cut\u20`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			value, rest, found := cutLiteral(test.text)
			if value != test.value || rest != test.rest || !found {
				t.Errorf("got %q, %q, %t, want %q, %q", value, rest, found, test.value, test.rest)
			}
		})
	}
	for _, text := range []string{"", "b", "a", "None", "bb''", ` 'a'`} {
		if value, rest, found := cutLiteral(text); found || value != "" || rest != text {
			t.Errorf("%q is a literal: %q, %q", text, value, rest)
		}
	}
}

// reprs are texts with their Python literals, as Python writes them.
func reprs(t testing.TB, texts []string) []string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on PATH")
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, "-c", "import json,sys; print(json.dumps([repr(text) for text in json.load(sys.stdin)]))")
	command.Stdin = strings.NewReader(string(input))
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var literals []string
	if err := json.Unmarshal(output, &literals); err != nil {
		t.Fatal(err)
	}
	return literals
}

func TestLiteral_IsTheReverseOfRepr(t *testing.T) {
	t.Parallel()
	texts := nastyTexts()
	literals := reprs(t, texts)
	nested := reprs(t, literals)
	for n, text := range texts {
		if got, rest, found := cutLiteral(literals[n] + ", tail"); got != text || rest != ", tail" || !found {
			t.Errorf("%s became %q and %q, want %q", literals[n], got, rest, text)
		}
		if got, _, _ := cutLiteral(nested[n]); got != literals[n] {
			t.Errorf("%s became %s, want %s", nested[n], got, literals[n])
		}
	}
}

func nastyTexts() []string {
	return []string{
		"", "a", "'", `"`, `'"`, `it's "here"`, `\`, `\\`, `\'`, `'\`, `C:\new`, "a\nb\tc\r\n", "\x00\x1f\x7f\u0080\u00a0\u00ad", "é€😀", "\u2028\ufeff\ue000",
		`Query is not valid, [GraphQLError("Cannot query field 'InfraCircuit' on type 'Query'.", locations=[SourceLocation(line=2, column=3)])]`,
		`')`, `", ')`, `{'message': "x"}`,
	}
}

// FuzzLiteral asserts that every text is read without a loss: what is written as a literal comes back, and the rest is a suffix.
func FuzzLiteral(f *testing.F) {
	for _, text := range nastyTexts() {
		f.Add(text)
		f.Add("'" + text)
		f.Add(`b"` + text + `\`)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if value, rest, found := cutLiteral(text); !strings.HasSuffix(text, rest) || !found && rest != text || !utf8.ValidString(value) {
			t.Errorf("%q became %q and %q, %t", text, value, rest, found)
		}
		if !utf8.ValidString(text) {
			return
		}
		literal := "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
		if value, rest, found := cutLiteral(literal + ")"); value != text || rest != ")" || !found {
			t.Errorf("%s became %q and %q", literal, value, rest)
		}
		_ = parseException("Finished in state Failed(" + text).reason()
		_ = parseException("Encountered exception during execution: GraphQLError(" + text).reason()
		thrown := parseException("Finished in state Failed('" + flowEnded + " ValueError: " + literal[1:] + ")")
		if thrown.class != "ValueError" || strings.TrimSpace(thrown.message) != strings.TrimSpace(text) && !strings.Contains(text, "Traceback") {
			t.Errorf("%q became %+v", text, thrown)
		}
	})
}

// Every message of a task that was recorded is read to its end: no quote or backslash of Python's is left over.
func TestReason_OfEveryRecordedLogIsWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "test", "contract", "testdata", "exchanges", "*.json"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	seen := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var recorded any
		if err := json.Unmarshal(content, &recorded); err != nil {
			t.Fatal(err)
		}
		for _, message := range errorLines(recorded) {
			seen++
			thrown := parseException(message)
			if strings.Contains(thrown.message, `\'`) || strings.Contains(thrown.message, `\n`) || strings.HasSuffix(thrown.reason(), `\`) {
				t.Errorf("%s: %q became %+v", filepath.Base(file), message, thrown)
			}
			whole := strings.ReplaceAll(message, `\'`, `'`)
			if end := lastWords(thrown.message); !strings.Contains(whole, end+`')`) && !strings.Contains(whole, end+`")`) && !strings.HasSuffix(whole, end) && thrown.class != "GraphQLError" {
				t.Errorf("%s: %q ends with %q", filepath.Base(file), message, end)
			}
		}
	}
	if seen < 15 {
		t.Errorf("%d messages", seen)
	}
}

// lastWords returns the last characters of a text that are on its last line.
func lastWords(text string) string {
	text = text[strings.LastIndex(text, "\n")+1:]
	return text[max(0, len(text)-20):]
}

// errorLines returns the messages of the log lines in a recording that are errors.
func errorLines(recorded any) []string {
	var messages []string
	switch recorded := recorded.(type) {
	case []any:
		for _, each := range recorded {
			messages = append(messages, errorLines(each)...)
		}
	case map[string]any:
		if message, isLine := recorded["message"].(string); isLine && (recorded["severity"] == "error" || recorded["severity"] == "critical") {
			messages = append(messages, message)
		}
		for _, each := range recorded {
			messages = append(messages, errorLines(each)...)
		}
	}
	return messages
}

func TestReason_OfNestedLiterals(t *testing.T) {
	t.Parallel()
	const (
		invalid = `Query is not valid, [GraphQLError("Cannot query field 'InfraCircuit' on type 'Query'.", locations=[SourceLocation(line=2, column=3)])]`
		query   = "\nmutation ($value: String!) {\n    CoreGraphQLQueryCreate(\n        data: {\n            name: {\n                value: \"circuits\"\n            }\n        }\n    ){\n        ok\n    }\n}\n"
	)
	tail := `', 'locations': [{'line': 3, 'column': 5}], 'path': ['CoreGraphQLQueryCreate'], 'extensions': {'code': 'UNDEFINED_ERROR', 'http_status': 422, 'data': {'message': 'Not this.'}}}`
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace
	refused := func(query, message string) string {
		return refusedQuery + query + ", [{'message': '" + escape(message) + tail + "]"
	}
	for _, test := range []struct {
		name, text, want string
		cause            Cause
	}{
		{
			"a query of a kind that the schema lacks", refused(query, invalid),
			`Query is not valid, Cannot query field 'InfraCircuit' on type 'Query' (line 2, column 3) (while creating the CoreGraphQLQuery "circuits")`, ContentInvalid,
		},
		{
			"both quotes in the message of an exception", refused(query, `Query is not valid, [GraphQLError('Cannot query field \'a\' on type "B".'), GraphQLError("No.")]`),
			`Query is not valid, Cannot query field 'a' on type "B".; No. (while creating the CoreGraphQLQuery "circuits")`, ContentInvalid,
		},
		{
			"a changed query", refused(strings.ReplaceAll(query, "Create(", "Update("), "It's no."),
			`It's no. (while updating the CoreGraphQLQuery "circuits")`, CauseUnknown,
		},
		{
			"an object without a name", refused("\nmutation {\n    CoreCheckUpdate(\n        data: {id: \"1\"}){ok}}\n", "No."),
			`No. (while updating a CoreCheck)`, CauseUnknown,
		},
		{
			"a name with quotes", refused(strings.ReplaceAll(query, `"circuits"`, `"the \"big\" ones"`), "No."),
			`No. (while creating the CoreGraphQLQuery "the \"big\" ones")`, CauseUnknown,
		},
		{
			"no mutation", refused("\nquery {\n    InfraCircuit { count }\n}\n", "Cannot query field 'InfraCircuit' on type 'Query'."),
			"Cannot query field 'InfraCircuit' on type 'Query'.", CauseUnknown,
		},
		{
			"two errors", refusedQuery + query + `, [{'message': 'One.', 'path': None}, {'message': "It's two.", 'extensions': {}}]`,
			`One.; It's two. (while creating the CoreGraphQLQuery "circuits")`, CauseUnknown,
		},
		{"errors without a message", refusedQuery + query + `, [{'message': None, 'code': 5}]`, `the request was refused (while creating the CoreGraphQLQuery "circuits")`, CauseUnknown},
		{"errors that are cut off", refusedQuery + query + `, [{'message': 'One and`, `One and (while creating the CoreGraphQLQuery "circuits")`, CauseUnknown},
		{"no errors", refusedQuery + query, `the request was refused (while creating the CoreGraphQLQuery "circuits")`, CauseUnknown},
		{"an exception in a sentence", `It failed: ValueError("it's 5").`, "It failed: it's 5.", CauseUnknown},
		{"what only looks like an exception", "Error (no) and Errors('x') and KeyError(1)", "Error (no) and Errors('x') and KeyError(1)", CauseUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, message := range []string{
				"Finished in state Failed('" + flowEnded + " GraphQLError: " + escape(test.text) + "')",
				"Encountered exception during execution: GraphQLError('" + escape(test.text) + "')\nTraceback (most recent call last):\n  File",
			} {
				thrown := parseException(message)
				if got := thrown.reason(); got != test.want || thrown.class != "GraphQLError" {
					t.Errorf("%s\ngot  %s\nwant %s", thrown.class, got, test.want)
				}
				if got := thrown.cause(); got != test.cause {
					t.Errorf("cause = %d, want %d", got, test.cause)
				}
			}
		})
	}
}

func TestReason_OfCallsInOtherShapes(t *testing.T) {
	t.Parallel()
	const executed = "Encountered exception during execution: "
	for _, test := range []struct {
		name, message string
		want          exception
	}{
		{"of a state with its type", `Finished in state TimedOut('Flow run exceeded timeout of 5 second(s)', type=FAILED)`, exception{"", "Flow run exceeded timeout of 5 second(s)"}},
		{"of a crash", `Finished in state Crashed("Flow run encountered an exception: GitCommandError: it's over")`, exception{"GitCommandError", "it's over"}},
		{"of a state without a message", "Finished in state Failed()", exception{"", "Finished in state Failed()"}},
		{"of a message that holds a parenthesis and a quote", `Finished in state Failed("Flow run encountered an exception: ValueError: f('x') is no \"y\"")`, exception{"ValueError", `f('x') is no "y"`}},
		{"of a task", `Finished in state Failed("Task run encountered an exception ValueError: it's no")`, exception{"ValueError", "it's no"}},
		{"of two arguments", executed + `OSError(2, 'No such file')`, exception{"OSError", "2, 'No such file'"}},
		{"of bytes", executed + `GitCommandError(b'fatal: it\'s over')`, exception{"GitCommandError", "fatal: it's over"}},
		{"of more than a text", executed + `ValidationError('No.', {'a': [1, (2)]})` + "\n", exception{"ValidationError", "No."}},
		{"of a module", executed + `git.exc.GitError('No.')`, exception{"git.exc.GitError", "No."}},
		{"of no call", executed + "1 validation error for X", exception{"", executed + "1 validation error for X"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, parseException(test.message), cmp.AllowUnexported(exception{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
