package mockserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/mockserver"
	"github.com/infrahub-community/terraform-provider-infrahub/internal/mocktest"
)

// BenchmarkStart measures the start of a mock server: every demo and every test needs one.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		server, err := mockserver.New(mockserver.Options{})
		if err != nil {
			b.Fatal(err)
		}
		server.Close()
	}
}

// BenchmarkThousandReads measures 1,000 reads over HTTP of one of 1,000 nodes by its id.
func BenchmarkThousandReads(b *testing.B) {
	server := mocktest.New(b, mockserver.Options{})
	network := mocktest.Endpoint{Address: mocktest.Serve(b, server), Token: server.Token}
	var create strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&create, `t%d:BuiltinTagCreate(data:{name:{value:"t%d"}}){object{id}} `, i, i)
	}
	id := network.Ask(b, "mutation{"+create.String()+"}").Text("data.t500.object.id")
	read := fmt.Sprintf(`{BuiltinTag(ids:["%s"]){edges{node{id name{value}}}}}`, id)
	for b.Loop() {
		for range 1000 {
			network.Ask(b, read)
		}
	}
}
