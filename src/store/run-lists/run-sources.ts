export interface RunsFilter {
  project_id: string;
  workflow_id?: string;
  status?: string;
  tag_key?: string;
  tag_value?: string;
}

/** The parts of a statement over the runs that a filter lets through. `given` makes a value a parameter of the statement. */
export function filteredRuns(filter: RunsFilter, given: (value: unknown) => string) {
  const { project_id, workflow_id, status, tag_key, tag_value } = filter;
  const [from, project, at, id] = tag_key === undefined ? RUNS : TAGGED_RUNS;
  // All runs of a workflow are in its project.
  const where = workflow_id ? [`run.workflow_id = ${given(workflow_id)}`] : [`${project} = ${given(project_id)}`];
  if (status !== undefined) where.push(`run.status = ${given(status)}`);
  if (tag_key !== undefined) where.push(`tag.key = ${given(tag_key)}`);
  if (tag_value !== undefined) where.push(`tag.value = ${given(tag_value)}`);
  return { from, where, at, id };
}

const RUNS = ["workflow_runs run", "run.project_id", "run.created_at", "run.id"] as const;
const TAGGED_RUNS = [
  "run_tags tag join workflow_runs run on run.id = tag.run_id",
  "tag.project_id",
  "tag.created_at",
  "tag.run_id",
] as const;
