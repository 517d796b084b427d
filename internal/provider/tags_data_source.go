package provider

import "github.com/hashicorp/terraform-plugin-framework/datasource"

func newTagsDataSource() datasource.DataSource {
	tags := tagData()
	return &nodeListDataSource{
		typeName: "tags", attributes: tags.attributes, lists: onlyList(tags.list),
		description: "The tags on the provider's branch (BuiltinTag), all or those with certain names.",
	}
}
