package provider

import "github.com/hashicorp/terraform-plugin-framework/datasource"

func newBranchesDataSource() datasource.DataSource {
	branches := branchData()
	return &nodeListDataSource{
		typeName: "branches", attributes: branches.attributes, lists: onlyList(branches.list),
		description: "The branches of Infrahub, the default branch included: all or those with certain names.",
	}
}
