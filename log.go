package main

import (
	"os"
	"strings"
)

// silenceUnreadLogs turns the SDK's log and the provider's own off where nobody reads them: the SDK formats every line, also those that
// the CLI then drops, and that costs more time than the provider itself.
func silenceUnreadLogs() error {
	if readsLogs(os.Environ()) {
		return nil
	}
	for _, name := range []string{"TF_LOG_SDK", "TF_LOG_PROVIDER"} {
		if err := os.Setenv(name, "OFF"); err != nil {
			return err
		}
	}
	return nil
}

// readsLogs reports whether a variable asks the CLI, the SDK or a test for lines of a provider: TF_LOG, TF_LOG_PROVIDER, TF_LOG_SDK and
// those that begin like them, TF_ACC_LOG and TF_ACC_LOG_PATH. TF_LOG_CORE asks for lines of the CLI alone.
func readsLogs(environment []string) bool {
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		isLog := name == "TF_LOG" || strings.HasPrefix(name, "TF_LOG_") || strings.HasPrefix(name, "TF_ACC_LOG")
		if isLog && name != "TF_LOG_CORE" && value != "" && !strings.EqualFold(value, "off") {
			return true
		}
	}
	return false
}
