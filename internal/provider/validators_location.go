package provider

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// gitURL validates what Infrahub can clone from.
type gitURL struct {
	// stored is whether Infrahub stores the location, so that it may append .git.
	stored bool
}

func (gitURL) Description(context.Context) string {
	return "must be the URL of a Git repository (https, http, ssh, git, file, or user@host:path) or an absolute path"
}

func (v gitURL) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v gitURL) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	text := req.ConfigValue.ValueString()
	fault := textFault(text)
	if fault == "" && !path.IsAbs(text) && !isSCP(text) {
		parsed, err := url.Parse(text)
		switch {
		case err != nil:
			fault = "This is not a URL: it " + v.Description(ctx) + "." // not err, which repeats a password
		case !isScheme(parsed.Scheme):
			fault = "It " + v.Description(ctx) + "."
		default:
			if fault = urlFault(text, parsed); fault == "" {
				v.warn(parsed, req, &resp.Diagnostics)
			}
		}
	}
	if fault != "" {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid Location", fault)
	}
}

// isScheme reports whether Git supports URLs with a scheme.
func isScheme(scheme string) bool {
	return slices.Contains([]string{"https", "http", "ssh", "git", "file"}, scheme)
}

var (
	// windowsPath matches a path that begins with a drive.
	windowsPath = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
	// hostPort matches a host and a port, without a user before them.
	hostPort = regexp.MustCompile(`^([^@/:]+|\[[^]]*\]):([0-9]{1,5})(/.*)?$`)
)

// textFault returns what is wrong with a location as a text, "" if nothing is. It may only repeat what cannot hold a password.
func textFault(text string) string {
	trimmed := strings.TrimSpace(text)
	scheme, rest, hasColon := strings.Cut(text, ":")
	switch parts := hostPort.FindStringSubmatch(text); {
	case trimmed != text:
		return "It has white space at its beginning or end. Remove that, or trim the value: trimspace(…)."
	case strings.ContainsFunc(text, unicode.IsControl), !path.IsAbs(text) && !strings.HasPrefix(text, "file:") && strings.ContainsFunc(text, unicode.IsSpace):
		return "It has white space or a control character in it. Remove that; in a URL a space is written as %20."
	case windowsPath.MatchString(text):
		return "It is a path of Windows, which neither Infrahub nor Git reads there. Write a URL, or the absolute path on the Infrahub server: /srv/git/network.git."
	case hasColon && isScheme(strings.ToLower(scheme)) && !strings.HasPrefix(rest, "//"):
		return fmt.Sprintf("Two slashes must follow %s: as in %s://git.example.com/network.git.", scheme+":", strings.ToLower(scheme))
	case parts != nil:
		return fmt.Sprintf("Git reads this as a path on the host %s, to be reached over ssh. If %s is a port, write the scheme: https://%s or http://%s. If it is a path, write ssh://%s/~/%s.",
			parts[1], parts[2], text, text, parts[1], parts[2]+parts[3])
	default:
		return ""
	}
}

// urlFault returns what is wrong with a URL, "" if nothing is.
func urlFault(text string, parsed *url.URL) string {
	_, hasPassword := parsed.User.Password()
	isHTTP := parsed.Scheme == "http" || parsed.Scheme == "https"
	switch {
	case isHTTP && parsed.User != nil:
		return "The URL holds a username or a password, which Infrahub would store and show to everybody. Leave it out, and set credential_id to an infrahub_password_credential."
	case hasPassword:
		return "The URL holds a password, which Infrahub would store and show to everybody. Leave it out."
	case isHTTP && strings.Contains(text, "?"):
		return "The URL has a query. Infrahub would store and show it to everybody, with any token in it, and Git would not find the repository. Leave out the question mark and what follows it; for a token set credential_id to an infrahub_password_credential."
	case strings.Contains(text, "#"):
		return "The URL has a fragment, which Git does not know. Leave out the # and what follows it; a branch or a tag goes into ref, or default_branch."
	case parsed.Scheme == "file" && parsed.Path == "":
		return "The URL has no path."
	case parsed.Scheme == "file":
		return ""
	case parsed.Hostname() == "":
		return "The URL names no host."
	case !isPortOrNone(parsed.Port()):
		return fmt.Sprintf("The URL has the port %s. A port is a number from 1 to 65535.", parsed.Port())
	}
	if page := pageOf(parsed); page != nil && page.known {
		return fmt.Sprintf("This is a page of a repository, not a repository. Write location = %q%s.", page.repository, page.refHint())
	}
	return ""
}

// isPortOrNone reports whether a URL can have a port; "" is none.
func isPortOrNone(port string) bool {
	number, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && number > 0
}

// warn warns of what a host or Infrahub may read in another way than it is meant.
func (v gitURL) warn(parsed *url.URL, req validator.StringRequest, diags *diag.Diagnostics) {
	if parsed.Scheme != "http" && parsed.Scheme != "https" {
		return
	}
	if page := pageOf(parsed); page != nil && !page.known {
		diags.AddAttributeWarning(req.Path, "Location Looks Like a Page", fmt.Sprintf(
			"The location looks like a page that shows one branch, tag or commit of a repository. If it is, write location = %q%s.", page.repository, page.refHint()))
	}
	if trimmed := strings.TrimSuffix(parsed.Redacted(), "/"); v.stored && strings.HasSuffix(parsed.Path, "/") && parsed.Path != "/" {
		diags.AddAttributeWarning(req.Path, "Location Ends With a Slash", fmt.Sprintf(
			"Infrahub appends .git to locations on some hosts, such as github.com, also after a slash: that leads to no repository. Write %q.", trimmed))
	}
}

// page is a web page of a repository.
type page struct {
	// repository is the location of the repository.
	repository string
	// ref is the branch, tag or commit that the page shows, "" if it shows none.
	ref string
	// known is whether the host is known to show pages under such addresses.
	known bool
}

// refHint returns where the ref goes, "" if there is none.
func (p *page) refHint() string {
	if p.ref == "" {
		return ""
	}
	return fmt.Sprintf(" and ref = %q (default_branch of an infrahub_repository)", p.ref)
}

var (
	// gitlabPage matches the path of a page of GitLab on any host: the repository, and what the page shows.
	gitlabPage = regexp.MustCompile(`^(/.+?)/-/(?:(?:tree|blob|commits?|raw|tags)/([^?]+?)/?$)?`)
	// githubPage matches the path of a page of GitHub.
	githubPage = regexp.MustCompile(`^(/[^/]+/[^/]+)/(?:(?:tree|blob|commits?|raw|releases/tag)/(.+?)/?$|[^/])`)
	// treePage matches the path of what is most likely a page: of Bitbucket, Gitea, or another host like GitHub.
	treePage = regexp.MustCompile(`^(/.+?)/(?:(?:tree|blob|commits?)/|src/(?:branch|tag|commit)/)(.+?)/?$`)
)

// pageOf returns the page that a URL is the address of, nil if it is none.
func pageOf(parsed *url.URL) *page {
	host := strings.TrimPrefix(strings.ToLower(parsed.Hostname()), "www.")
	pattern, known := treePage, false
	switch {
	case gitlabPage.MatchString(parsed.Path):
		pattern, known = gitlabPage, true
	case host == "github.com":
		pattern, known = githubPage, true
	}
	parts := pattern.FindStringSubmatch(parsed.Path)
	if parts == nil || !known && strings.HasSuffix(parsed.Path, ".git") {
		return nil
	}
	repository := &url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: strings.TrimSuffix(parts[1], ".git") + ".git"}
	return &page{repository.String(), parts[2], known}
}

// isSCP reports whether a location has the form [user@]host:path.
func isSCP(location string) bool {
	host, path, found := strings.Cut(location, ":")
	if user, rest, hasUser := strings.Cut(host, "@"); hasUser {
		if user == "" {
			return false
		}
		host = rest
	}
	return found && host != "" && path != "" && !strings.HasPrefix(path, "//") &&
		!strings.ContainsAny(host, "@/") && !strings.Contains(path, "@") && strings.IndexFunc(location, unicode.IsSpace) < 0
}
