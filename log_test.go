package main

import (
	"os"
	"strings"
	"testing"
)

func TestLog_IsOffOnlyIfNoVariableAsksForIt(t *testing.T) {
	for variable, asks := range map[string]bool{
		"":                              false,
		"TF_LOG=":                       false,
		"TF_LOG=off":                    false,
		"TF_LOG_CORE=trace":             false,
		"TF_LOGGER=trace":               false,
		"TF_LOG=TRACE":                  true,
		"TF_LOG=json":                   true,
		"TF_LOG_PROVIDER=debug":         true,
		"TF_LOG_PROVIDER_INFRAHUB=warn": true,
		"TF_LOG_SDK=trace":              true,
		"TF_LOG_SDK_PROTO=trace":        true,
		"TF_LOG_SDK_PROTO_DATA_DIR=d":   true,
		"TF_LOG_SDK_FRAMEWORK=trace":    true,
		"TF_LOG_PATH=log":               true,
		"TF_LOG_PATH_MASK=%s":           true,
		"TF_ACC_LOG=trace":              true,
		"TF_ACC_LOG_PATH=log":           true,
	} {
		t.Run(variable, func(t *testing.T) {
			for _, set := range os.Environ() {
				if name, value, _ := strings.Cut(set, "="); strings.HasPrefix(name, "TF_LOG") || strings.HasPrefix(name, "TF_ACC_LOG") {
					t.Setenv(name, value) // restores it after the test
					if err := os.Unsetenv(name); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, name := range []string{"TF_LOG_SDK", "TF_LOG_PROVIDER"} {
				t.Setenv(name, "")
			}
			if name, value, set := strings.Cut(variable, "="); set {
				t.Setenv(name, value)
			}
			before := os.Getenv("TF_LOG_SDK")
			if err := silenceUnreadLogs(); err != nil {
				t.Fatal(err)
			}
			want := "OFF"
			if asks {
				want = before
			}
			if got := os.Getenv("TF_LOG_SDK"); got != want {
				t.Errorf("TF_LOG_SDK is %q, want %q", got, want)
			}
			if got := os.Getenv("TF_LOG_PROVIDER"); (got == "OFF") == asks {
				t.Errorf("TF_LOG_PROVIDER is %q", got)
			}
		})
	}
}
