package graphql

import "time"

// Text returns the value, "" if there is none.
func (v *PinnedValue) Text() string {
	if v == nil || v.Value == nil {
		return ""
	}
	return *v.Value
}

// ChangedAfter reports whether the value is younger than a time.
func (v *PinnedValue) ChangedAfter(t time.Time) bool {
	return v != nil && v.Updated_at != nil && v.Updated_at.After(t)
}
