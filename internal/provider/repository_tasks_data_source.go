package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/infrahub-community/terraform-provider-infrahub/internal/infrahub"
)

const (
	// defaultTaskLimit is how many tasks are listed without a limit.
	defaultTaskLimit = 10
	// maxTaskLimit bounds the requests: each failed task costs one for its log.
	maxTaskLimit = 100
)

func newRepositoryTasksDataSource() datasource.DataSource { return &repositoryTasksDataSource{} }

// repositoryTasksDataSource shows how the latest imports of one repository went, and why they failed.
type repositoryTasksDataSource struct {
	dataSourceBase
}

type repositoryTasksModel struct {
	RepositoryID types.String          `tfsdk:"repository_id"`
	Limit        types.Int64           `tfsdk:"limit"`
	Tasks        []repositoryTaskModel `tfsdk:"tasks"`
}

type repositoryTaskModel struct {
	ID        types.String  `tfsdk:"id"`
	State     types.String  `tfsdk:"state"`
	Workflow  types.String  `tfsdk:"workflow"`
	Branch    types.String  `tfsdk:"branch"`
	StartTime types.String  `tfsdk:"start_time"`
	Duration  types.Float64 `tfsdk:"duration"`
	Reason    types.String  `tfsdk:"reason"`
}

func (d *repositoryTasksDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_repository_tasks"
}

func (d *repositoryTasksDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The latest tasks that import one repository, of either kind and on any branch: how they ended, and why they failed. The account must be allowed to read tasks.",
		Attributes: map[string]schema.Attribute{
			"repository_id": schema.StringAttribute{
				MarkdownDescription: "Id of an `infrahub_repository` or `infrahub_read_only_repository`; names are not accepted.",
				Required:            true,
				Validators:          requiredText(),
			},
			"limit": schema.Int64Attribute{
				MarkdownDescription: fmt.Sprintf("How many tasks to list at most, up to %d. Defaults to %d.", maxTaskLimit, defaultTaskLimit),
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, maxTaskLimit)},
			},
			"tasks": schema.ListNestedAttribute{
				MarkdownDescription: "The tasks, latest first; those that wait for a worker are listed by when they were created.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: repositoryTaskAttributes()},
			},
		},
	}
}

func repositoryTaskAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id": schema.StringAttribute{MarkdownDescription: "UUID of the task, by which Infrahub shows its log.", Computed: true},
		"state": schema.StringAttribute{
			MarkdownDescription: "State of the task, such as `SCHEDULED`, `PENDING`, `RUNNING`, `COMPLETED`, `FAILED` or `CRASHED`. Infrahub calls a task `CRASHED` of which it has not heard for a while; it may still end.",
			Computed:            true,
		},
		"workflow": schema.StringAttribute{
			MarkdownDescription: "What the task does, such as `git-repository-add-read-only` after a create, `git-repository-pull-read-only` and `git-read-only-repository-import-last-commit` after a changed ref, or `sync-git-repo-with-origin`.",
			Computed:            true,
		},
		"branch":     schema.StringAttribute{MarkdownDescription: "Infrahub branch that the task imports into; null if it is not known.", Computed: true},
		"start_time": schema.StringAttribute{MarkdownDescription: "When the task started, in UTC as in RFC 3339; null if it has not started.", Computed: true},
		"duration":   schema.Float64Attribute{MarkdownDescription: "Seconds from the start to the end of the task; null if it has not ended.", Computed: true},
		"reason":     schema.StringAttribute{MarkdownDescription: "Why the task failed, in one line; null if it has not failed.", Computed: true},
	}
}

// Read lists the tasks of a repository that exists: a wrong id must not look like a repository without tasks.
func (d *repositoryTasksDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model repositoryTasksModel
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("repository_id"), &model.RepositoryID)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("limit"), &model.Limit)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(anyRepositoryReference().check(model.RepositoryID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	limit := int64(defaultTaskLimit)
	if !model.Limit.IsNull() {
		limit = model.Limit.ValueInt64()
	}
	id := model.RepositoryID.ValueString()
	repository, problem := d.findRepository(ctx, id, "")
	if problem != nil {
		resp.Diagnostics.Append(problem)
		return
	}
	tasks, err := d.RepositoryTasks(ctx, id, int(limit))
	if err != nil {
		resp.Diagnostics.Append(tasksNotListed(fmt.Sprintf("Tasks of the %s %q", repository.Kind, repository.Name), err))
		return
	}
	model.Tasks = []repositoryTaskModel{}
	for _, task := range tasks {
		model.Tasks = append(model.Tasks, flattenTask(task))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func tasksNotListed(object string, err error) diag.Diagnostic {
	if errors.Is(err, infrahub.ErrUnauthorized) {
		return diag.NewErrorDiagnostic("Tasks Not Listed", detail(object, err, "The account of the provider may not read tasks: give it a role that may, or remove this data source."))
	}
	return errorDiagnostic("Tasks Not Listed", subject{object: object}, err)
}

func flattenTask(task infrahub.Task) repositoryTaskModel {
	orNull := func(text string) types.String {
		if text == "" {
			return types.StringNull()
		}
		return types.StringValue(text)
	}
	model := repositoryTaskModel{
		ID: types.StringValue(task.ID), State: types.StringValue(task.State), Workflow: types.StringValue(task.Workflow),
		Branch: orNull(task.Branch), Reason: orNull(task.Reason),
	}
	if task.Started != nil {
		model.StartTime = types.StringValue(task.Started.UTC().Format(time.RFC3339))
	}
	if task.Duration != nil {
		model.Duration = types.Float64Value(task.Duration.Round(time.Millisecond).Seconds())
	}
	return model
}
