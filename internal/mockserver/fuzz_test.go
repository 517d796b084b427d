package mockserver

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// FuzzSeed asserts that a file is a seed, which a server can be given, or an error of one line.
func FuzzSeed(f *testing.F) {
	for _, text := range []string{
		"", "tags:\n  - name: blue\n", "repositories:\n  - {name: r, location: /x, ref: v1}\n", "read_only_repositories:\n  - name: r\n    tags: [a, b]\n    credential: c\n",
		"tags: {}\n", "tags: &a [*a]\n", "a: &a [x]\nb: [*a, *a]\n", "---\n---\n", "\xff", "branches:\n  - name: b\n    sync_with_git: maybe\n", "tags:\n  - \n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		seed, err := ParseSeed(content)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Errorf("%q is an error without a text", content)
			}
			return
		}
		for _, tag := range seed.Tags {
			_ = tag.input()
		}
		for n, repository := range seed.Repositories {
			_, _ = repository.input(), seed.errorAt("repositories", n, errInternal)
		}
	})
}

// FuzzFault asserts that a fault on the command line has an effect, or is an error.
func FuzzFault(f *testing.F) {
	for _, text := range []string{
		"", "operation=CreateTag,times=2,after,status=503,retry-after=2s", "drop", "after", "html,truncate", "times=-1,drop", "delay=9999999999h,stuck", "status=99", "=,=", "operation==,crashed",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := ParseFault(text)
		if err != nil {
			return
		}
		if fault.Times < 0 || fault.Delay < 0 || fault.RetryAfter < 0 || fault.Status != 0 && (fault.Status < 200 || fault.Status > 599) {
			t.Errorf("%q became %+v", text, fault)
		}
	})
}

// FuzzRepositoryConfig asserts that a .infrahub.yml is read, or has problems that are told; and that a check in Python is.
func FuzzRepositoryConfig(f *testing.F) {
	for _, text := range []string{
		"queries: []\n", "queries:\n  - name: q\n    file_path: q.gql\n", "queries: [\n", "queries: 7\n", "check_definitions:\n  - name: c\n    file_path: c.py\n    targets: g\n", "x: y\n", "- a\n", "? [a]\n: b\n",
		"queries:\n  - 1\n  - null\n  - {name: 1}\n", "class Check:\n    def validate(self):\n        self.log_error(message=\"x\", object_id=\"1\")\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		_, _ = readCheck(string(content))
		parsed, err := parseYAML(string(content))
		dict, isDict := parsed.(pythonDict)
		if err != nil || !isDict {
			return
		}
		if problems := checkConfig(dict); problems != nil {
			if !strings.Contains(fmt.Sprint(problems), "validation error") {
				t.Errorf("problems without a text: %q", problems)
			}
			return
		}
		config, err := newConfig(dict)
		_, listed := dict.get("queries")
		if err == nil && len(config.queries) > 0 && !listed {
			t.Errorf("queries from nowhere: %+v", config.queries)
		}
	})
}

// FuzzRequest asserts that the mock answers any request: nothing crashes it.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		`{"query":"{BuiltinTag{count edges{node{id}}}}"}`, `{"query":"mutation{BuiltinTagCreate(data:{name:{value:\"x\"}}){ok object{id name{value}}}}"}`, `[]`, `null`, `{`, `{"query":7}`,
		`{"query":"query A{Branch{name}} query B{Branch{name}}","operationName":"C"}`, `{"query":"query($i:[ID]){BuiltinTag(ids:$i limit:-1 offset:-5){edges{node{id}}}}","variables":{"i":["x",null]}}`,
		`{"query":"{...F} fragment F on Query{...F}"}`, `{"query":"{__schema{types{name}}}"}`,
		`{"query":"mutation{CoreReadOnlyRepositoryUpdate(data:{id:\"x\" tags:[{hfid:[]}] credential:{id:\"\"}}){ok}}"}`,
	} {
		f.Add(body, "/graphql/main")
		f.Add(body, "/graphql")
	}
	server, err := New(Options{Token: DefaultToken})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, body, path string) {
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		_ = parseOperation([]byte(body))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://mock.test/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Path = path
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Infrahub-Key", DefaultToken)
		answered := &bufferedResponse{header: http.Header{}}
		server.ServeHTTP(answered, request)
		if answered.status == 0 && len(answered.body) == 0 {
			t.Errorf("no answer to %q at %q", body, path)
		}
	})
}
