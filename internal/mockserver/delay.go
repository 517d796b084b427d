package mockserver

import (
	"fmt"
	"time"
)

// Delay is how long imports take.
type Delay int

const (
	// NoDelay lets imports run in the background as always, but without pauses.
	NoDelay Delay = iota
	// LiveDelay has about a fifth of the times of a live server (infrahub-behaviour.md, Importing 27): the
	// last task of a create ends after 1.5 s, that of a changed ref after 2 to 3 s.
	LiveDelay
)

// ParseDelay returns the delay of a name: "none" or "live".
func ParseDelay(name string) (Delay, error) {
	switch name {
	case "none":
		return NoDelay, nil
	case "live":
		return LiveDelay, nil
	}
	return NoDelay, fmt.Errorf(`unknown delay %q: use "none" or "live"`, name)
}

func (d Delay) of(live time.Duration) time.Duration {
	if d == LiveDelay {
		return live
	}
	return 0
}

// queued is the time between submission and start of a task.
func (d Delay) queued() time.Duration { return d.of(250 * time.Millisecond) }

// git is the time of a clone or fetch, in addition to the remote's own.
func (d Delay) git() time.Duration { return d.of(130 * time.Millisecond) }

// importing is the time for which sync_status is "syncing".
func (d Delay) importing() time.Duration { return d.of(200 * time.Millisecond) }

// writing is the time between two writes of a task to the node.
func (d Delay) writing() time.Duration { return d.of(70 * time.Millisecond) }

// logging is the time from the end of a failed task to the last line of its log.
func (d Delay) logging() time.Duration { return d.of(300 * time.Millisecond) }

// merging is the time of BranchMerge.
func (d Delay) merging() time.Duration { return d.of(500 * time.Millisecond) }

// checking is the time of one check, and of the first step of a run of the checks, which no task shows.
func (d Delay) checking() time.Duration { return d.of(400 * time.Millisecond) }
