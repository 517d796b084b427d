package provider

import "testing"

func TestTimeouts_ThatLeaveNoTimeAreRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for _, duration := range []string{"0s", "-5m"} {
		for _, operation := range []string{"create", "read", "update", "delete"} {
			config := attributes{"name": "core", "timeouts": attributes{operation: duration}}
			p.validate(tagType, config).onlyError(t).expect(t, "timeouts", "Invalid Timeout", duration, "longer than 0s")
		}
	}
	p.validate(tagType, attributes{"name": "core", "timeouts": attributes{"create": "1ms"}}).requireNone(t)
}
