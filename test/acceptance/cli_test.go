package acceptance

import (
	"regexp"
	"strconv"
	"testing"
)

// since is the minor version 1.N in which each CLI got a feature, 0 if it has not got it.
type since struct{ terraform, openTofu int }

// The versions of features that not every supported CLI has.
func writeOnlyAttributes() since { return since{terraform: 11, openTofu: 11} }

func identityImports() since { return since{terraform: 12, openTofu: 12} }

func queries() since { return since{terraform: 14} }

func actions() since { return since{terraform: 14} }

// requireCLI skips a test if the CLI lacks a feature.
func requireCLI(t *testing.T, feature string, needed since) {
	t.Helper()
	w := newWorkspace(t, "")
	w.run(0, "version")
	if product, minor := cliVersion(t, w.printed["version"]); !needed.isIn(product, minor) {
		t.Skipf("%s needs Terraform 1.%d%s: the CLI is %s 1.%d", feature, needed.terraform, needed.orOpenTofu(), product, minor)
	}
}

// requireFeatures skips a test if the CLI lacks what a configuration uses: write-only attributes, and the ephemeral variables for them.
func requireFeatures(t *testing.T, configuration string) {
	t.Helper()
	if usesWriteOnlyAttributes(configuration) {
		requireCLI(t, "a configuration with write-only attributes", writeOnlyAttributes())
	}
}

func usesWriteOnlyAttributes(configuration string) bool {
	return regexp.MustCompile(`(?m)^\s*(password_wo|ephemeral)\s+=`).MatchString(configuration)
}

// cliVersion returns the product and the minor version of what a CLI prints about itself. Nothing else tells the products apart:
// their numbers overlap, and OpenTofu 1.12 calls itself Terraform 1.13 to providers.
func cliVersion(t *testing.T, printed string) (product string, minor int) {
	t.Helper()
	parts := regexp.MustCompile(`(?m)^(Terraform|OpenTofu) v1\.([0-9]+)\.`).FindStringSubmatch(printed)
	if parts == nil {
		t.Fatalf("no version of Terraform or OpenTofu in:\n%s", printed)
	}
	minor, err := strconv.Atoi(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	return parts[1], minor
}

func (s since) isIn(product string, minor int) bool {
	oldest := s.terraform
	if product == "OpenTofu" {
		oldest = s.openTofu
	}
	return oldest > 0 && minor >= oldest
}

func (s since) orOpenTofu() string {
	if s.openTofu == 0 {
		return " (OpenTofu lacks it)"
	}
	return " or OpenTofu 1." + strconv.Itoa(s.openTofu)
}

func TestCLIVersion_TellsTheProductsApart(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]struct{ identities, queries bool }{
		"Terraform v1.11.4\non linux_amd64\n":                       {false, false},
		"Terraform v1.12.0\non linux_amd64\n":                       {true, false},
		"Terraform v1.15.9\non linux_amd64\n":                       {true, true},
		"Terraform v1.16.0-alpha20260101\non linux_amd64\n":         {true, true},
		"There are some problems\nOpenTofu v1.11.5\non linux_amd64": {false, false},
		"OpenTofu v1.12.6\non linux_amd64":                          {true, false},
		"OpenTofu v1.15.0\non linux_amd64":                          {true, false},
	} {
		product, minor := cliVersion(t, printed)
		if identityImports().isIn(product, minor) != want.identities || queries().isIn(product, minor) != want.queries {
			t.Errorf("%q: %s 1.%d, want %+v", printed, product, minor, want)
		}
	}
}

func TestUsesWriteOnlyAttributes(t *testing.T) {
	t.Parallel()
	for configuration, want := range map[string]bool{
		"resource \"a\" \"b\" {\n  password_wo         = var.x\n  password_wo_version = 1\n}\n": true,
		"variable \"x\" {\n\tephemeral = true\n}\n":                                             true,
		"# password_wo = 1\npassword = \"password_wo = 1\"\n":                                   false,
	} {
		if usesWriteOnlyAttributes(configuration) != want {
			t.Errorf("want %t of\n%s", want, configuration)
		}
	}
}
