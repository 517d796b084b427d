package mockserver

import (
	"fmt"
	"time"
)

// Delay says how long imports take.
type Delay int

const (
	// NoDelay keeps everything asynchronous and in order, but lets no time pass.
	NoDelay Delay = iota
	// LiveDelay keeps the proportions of a live server at about a fifth of its times: a create takes
	// 1.5 s and a ref bump 2 to 3 s until the last of its tasks has ended.
	LiveDelay
)

// ParseDelay reads "none" or "live".
func ParseDelay(name string) (Delay, error) {
	switch name {
	case "none":
		return NoDelay, nil
	case "live":
		return LiveDelay, nil
	}
	return NoDelay, fmt.Errorf(`%q is no delay: say "none" or "live"`, name)
}

func (d Delay) of(live time.Duration) time.Duration {
	if d == LiveDelay {
		return live
	}
	return 0
}

// queued is the time between submission and start of a task.
func (d Delay) queued() time.Duration { return d.of(250 * time.Millisecond) }

// git is the time of a clone or fetch, the remote's own aside.
func (d Delay) git() time.Duration { return d.of(130 * time.Millisecond) }

// importing is the time for which sync_status is "syncing".
func (d Delay) importing() time.Duration { return d.of(200 * time.Millisecond) }

// writing is the time between two writes of a task to the node.
func (d Delay) writing() time.Duration { return d.of(70 * time.Millisecond) }

// logging is the time from the end of a failed task to the last line of its log.
func (d Delay) logging() time.Duration { return d.of(300 * time.Millisecond) }

// merging is the time of BranchMerge.
func (d Delay) merging() time.Duration { return d.of(500 * time.Millisecond) }
