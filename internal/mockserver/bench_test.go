package mockserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
)

// BenchmarkStart is a start of the mock: a demo and every test pay for one.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		server, err := mockserver.New(mockserver.Options{})
		if err != nil {
			b.Fatal(err)
		}
		server.Close()
	}
}

// BenchmarkThousandReads are 1,000 reads of one node by its id, beside 1,000 others, over HTTP.
func BenchmarkThousandReads(b *testing.B) {
	server, err := mockserver.New(mockserver.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	front := httptest.NewServer(server)
	defer front.Close()
	ask := func(document string) map[string]any {
		body, err := json.Marshal(map[string]any{"query": document})
		if err != nil {
			b.Fatal(err)
		}
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, front.URL+"/graphql/main", bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-INFRAHUB-KEY", mockserver.DefaultToken)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		var answer struct{ Data map[string]any }
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Data == nil {
			b.Fatal(response.Status, err)
		}
		return answer.Data
	}
	var create strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&create, `t%d:BuiltinTagCreate(data:{name:{value:"t%d"}}){object{id}} `, i, i)
	}
	made, _ := ask("mutation{" + create.String() + "}")["t500"].(map[string]any)
	node, _ := made["object"].(map[string]any)
	read := fmt.Sprintf(`{BuiltinTag(ids:["%s"]){edges{node{id name{value}}}}}`, node["id"])
	for b.Loop() {
		for range 1000 {
			ask(read)
		}
	}
}
