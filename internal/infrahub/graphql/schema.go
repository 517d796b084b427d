// Package graphql is the GraphQL client that genqlient makes of the documents beside it, and their schema.
package graphql

import _ "embed"

// Schema is the SDL of the part of Infrahub's GraphQL schema that the provider knows; the mock serves it.
//
//go:embed schema.graphql
var Schema string
