package infrahub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql/attribute"
)

// resultMessages returns what the result of a check says, in Infrahub's words.
func resultMessages(result graphql.CheckResult) []string {
	var conflicts *graphql.Conflicts
	switch result := result.(type) {
	case *graphql.CheckResultCoreDataCheck:
		conflicts = result.Conflicts
	case *graphql.CheckResultCoreSchemaCheck:
		conflicts = result.Conflicts
	}
	if conflicts != nil && conflicts.Value != nil {
		if messages := conflictMessages(*conflicts.Value); messages != nil {
			return messages
		}
	}
	if logged := loggedErrors(deref(value(result.GetMessage()))); logged != nil {
		return logged
	}
	// A file that conflicts is the name of its check (infrahub-behaviour.md, Proposals 6).
	for _, text := range []*attribute.Text{result.GetMessage(), result.GetName(), result.GetLabel()} {
		if text := strings.TrimSpace(deref(value(text))); text != "" {
			return []string{text}
		}
	}
	return nil
}

// conflict is a conflict of data, whose changes say what each branch has, or one of schemas, which says so in words
// (infrahub-behaviour.md, Proposals 8 and 20).
type conflict struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Value   any    `json:"value"`
	Changes []struct {
		Branch string `json:"branch"`
		New    any    `json:"new"`
	} `json:"changes"`
}

// conflictMessages returns a sentence about each conflict, nil if they cannot be read.
func conflictMessages(encoded []byte) []string {
	var conflicts []conflict
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber() // 1000000 is not 1e+06
	if decoder.Decode(&conflicts) != nil {
		return nil
	}
	var messages []string
	for _, c := range conflicts {
		var values []string
		for _, change := range c.Changes {
			values = append(values, fmt.Sprintf("branch %s has %s", change.Branch, describeValue(change.New)))
		}
		text, isText := c.Value.(string)
		switch {
		case len(values) > 0:
			messages = append(messages, fmt.Sprintf("%s of %s %s: %s", c.Name, c.Kind, c.ID, strings.Join(values, ", ")))
		case isText && text != "":
			messages = append(messages, text)
		}
	}
	return messages
}

func describeValue(value any) string {
	if value == nil {
		return "no value"
	}
	return strconv.Quote(fmt.Sprint(value))
}

// loggedErrors returns the errors that a user check has logged, each with the object that it is about, nil if there are none. The
// message of a user check is all that it has logged (infrahub-behaviour.md, Proposals 9).
func loggedErrors(message string) []string {
	var logged []string
	for entry := range strings.SplitSeq(message, strings.Repeat("-", 23)+"\n") {
		text, rest, found := strings.Cut(strings.TrimPrefix(entry, "Message: "), "\nLevel: ")
		if !found {
			continue
		}
		level, about, _ := strings.Cut(rest, "\n")
		if level != "ERROR" && level != "CRITICAL" {
			continue
		}
		var objects []string
		for line := range strings.Lines(about) {
			if object, isObject := strings.CutPrefix(strings.TrimSpace(line), "Object ID: "); isObject {
				objects = append(objects, object)
			}
		}
		if len(objects) > 0 {
			text += " (" + strings.Join(objects, ", ") + ")"
		}
		logged = append(logged, strings.TrimSpace(text))
	}
	return logged
}
