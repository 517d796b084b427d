package infrahub

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub/graphql"
)

// flushing bounds how much later than the end of a task its log may be complete.
const flushing = 10 * time.Second

// reason finds in the log of a failed task what went wrong, "" if it does not say. The log's last line
// comes up to some seconds after the task has ended, so it is read until it is there.
func (c *Client) reason(ctx context.Context, id string) (string, error) {
	limit := time.Now().Add(flushing)
	for {
		answer, err := graphql.TaskLogs(ctx, c.graphql, id)
		if err != nil {
			return "", err
		}
		message, complete := lastError(answer)
		if complete || time.Now().After(limit) || ctx.Err() != nil {
			return cleaned(message), nil
		}
		_ = sleep(ctx, c.tasks.polling.Fastest) // interrupted, it takes what there is
	}
}

// lastError is the error that ended the flow or, while that is not complete, the last one so far.
func lastError(answer *graphql.TaskLogsResponse) (message string, complete bool) {
	for _, edge := range answer.InfrahubTask.Edges {
		if edge.Node == nil || edge.Node.Logs == nil {
			continue
		}
		for _, log := range edge.Node.Logs.Edges {
			if log.Node == nil || log.Node.Severity != "error" && log.Node.Severity != "critical" {
				continue
			}
			message = log.Node.Message
			complete = strings.Contains(message, flowEnded)
		}
	}
	return message, complete
}

const flowEnded = "Flow run encountered an exception:"

// cleaned takes the exception's own words out of how Prefect reports it, which is a Python literal:
//
//	Finished in state Failed('Flow run encountered an exception: ValueError: Ref v9 not found.')
//	Encountered exception during execution: ValueError('Ref v9 not found.')
func cleaned(message string) string {
	message, _, _ = strings.Cut(message, "Traceback (most recent call last)")
	if _, exception, found := strings.Cut(message, flowEnded); found {
		message = regexp.MustCompile(`['"]\)\s*$`).ReplaceAllString(exception, "")
		message = strings.NewReplacer(`\n`, "\n", `\'`, "'", `\"`, `"`, `\\`, `\`).Replace(message)
		message = regexp.MustCompile(`^\s*[\w.]*(Error|Exception):`).ReplaceAllString(message, "")
	} else if m := regexp.MustCompile(`Encountered exception during execution: \w+\(['"](.*)['"]\)`).FindStringSubmatch(message); m != nil {
		message = m[1]
	}
	message = strings.Join(strings.Fields(message), " ")
	return strings.TrimSuffix(message, ": ^") // what pointed at a column of the line above
}
