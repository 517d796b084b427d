package infrahub

import (
	"net/http"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		attempt  int
		response *http.Response
		want     time.Duration
	}{
		{"the first attempt", 0, nil, 250 * time.Millisecond},
		{"the third attempt", 2, nil, time.Second},
		{"a late attempt", 20, nil, 30 * time.Second},
		{"an overload", 0, &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}}, 7 * time.Second},
		{"an unavailable server", 3, &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}}, time.Second},
		{"a merge", 0, &http.Response{StatusCode: http.StatusLocked}, 5 * time.Second},
		{"a proxy without Retry-After", 1, &http.Response{StatusCode: http.StatusBadGateway}, 500 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			different := map[time.Duration]bool{}
			for range 100 {
				wait := backoff(shortestRetry, longestRetry, test.attempt, test.response)
				if wait < test.want || wait > test.want*5/4 {
					t.Fatalf("waits %s, want %s and up to a quarter more", wait, test.want)
				}
				different[wait] = true
			}
			if len(different) < 2 {
				t.Error("waits equally long each time: clients that were refused together return together")
			}
		})
	}
}
