package infrahub

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// judged waits for the end of an import whose tasks cannot be seen, by what the repository says of
// itself. That lags behind: after a bump it is in sync with the old commit, a broken configuration
// shows up seconds after the new commit is in sync, and a missing ref never (infrahub.md, Importing).
// So it must not change for a while, and a commit that never changes is no success.
func (i *Import) judged(ctx context.Context) (*Imported, error) {
	const weak = "The server does not show its tasks to this account, so the import was judged by the repository's " +
		"statuses alone, which cannot tell every failure. Let the account read tasks."
	if i.next != nil { // a second import of the same follows; statuses cannot tell them apart
		following, err := i.next(ctx)
		if err != nil {
			return nil, err
		}
		i = following
	}
	quiet, patience := 5*i.client.tasks.polling.MaxInterval, 30*i.client.tasks.polling.MaxInterval
	start, last, since := time.Now(), "", time.Now()
	var failure *ImportError
	node, err := i.node(ctx, func(node *Repository) bool {
		if now := fmt.Sprint(deref(node.Commit), node.SyncStatus, node.OperationalStatus); now != last {
			last, since = now, time.Now()
		}
		imported := node.Commit != nil && (i.before == nil || !equal(node.Commit, i.before))
		broken := node.SyncStatus == "error-import" || strings.HasPrefix(node.OperationalStatus, "error")
		switch {
		case time.Since(since) < quiet:
			return false
		case broken:
			failure = i.failed(fmt.Sprintf("the repository is %s and %s", node.SyncStatus, node.OperationalStatus))
			return true
		case imported && node.SyncStatus == "in-sync" && node.OperationalStatus == "online":
			return true
		case i.before != nil && !imported && time.Since(start) > patience:
			failure = i.failed("the commit did not change: the ref is missing, or it is the commit that was imported before")
			return true
		default:
			return false
		}
	})
	switch {
	case failure != nil:
		return nil, failure
	case err != nil && ctx.Err() != nil:
		return nil, i.unfinishedAt(ctx.Err(), "its tasks cannot be seen")
	case err != nil:
		return nil, err
	}
	return &Imported{Repository: *node, Branch: i.client.branch, Warning: weak}, nil
}

// failed is a failure that no task tells of.
func (i *Import) failed(reason string) *ImportError {
	return &ImportError{Repository: i.repository, Branch: i.client.branch, Reason: reason, RequestID: i.startedBy()}
}
