package mockserver

import (
	_ "embed"
	"encoding/json"
	"testing"
)

// measured holds configurations and queries, and what the libraries of an Infrahub 1.11.9 say of each: PyYAML, the model of
// infrahub-sdk with pydantic 2.12, and graphql-core.
//
//go:embed testdata/configurations.json
var measured []byte

func TestConfiguration_ProblemsAreInTheServersWords(t *testing.T) {
	t.Parallel()
	var cases struct {
		Configurations []struct{ Config, Outcome, Message string }
		Queries        []struct{ Query, Message string }
	}
	if err := json.Unmarshal(measured, &cases); err != nil || len(cases.Configurations) < 50 || len(cases.Queries) < 10 {
		t.Fatalf("%d configurations, %d queries, %v", len(cases.Configurations), len(cases.Queries), err)
	}
	for _, test := range cases.Configurations {
		outcome, message := judge(test.Config)
		if outcome != test.Outcome || message != test.Message {
			t.Errorf("%q: got %s\n%s\nwant %s\n%s", test.Config, outcome, message, test.Outcome, test.Message)
		}
	}
	for _, test := range cases.Queries {
		want, got := test.Message, ""
		if err := checkSyntax(test.Query); err != nil {
			got = err.Error()
		}
		if want != "" {
			want = "GraphQL syntax error: " + want
		}
		if got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", test.Query, got, want)
		}
	}
}

// judge returns what becomes of a configuration: ok, yaml, invalid or TypeError, and the message.
func judge(content string) (outcome, message string) {
	parsed, err := parseYAML(content)
	if err != nil {
		return "yaml", err.Error()
	}
	dict, isDict := parsed.(pythonDict)
	if !isDict {
		return "TypeError", notAMapping(parsed).message
	}
	if problems := checkConfig(dict); problems != nil {
		return "invalid", problems.String()
	}
	return "ok", ""
}
