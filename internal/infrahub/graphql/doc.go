// Package graphql is the GraphQL client that genqlient makes of the documents beside it.
package graphql
