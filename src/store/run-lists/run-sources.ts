import type { RunFilter } from "../../contract/lists/run-filters.ts";
import type { RunStatus } from "../../contract/runs.ts";
import type { RunsSort } from "../../contract/lists.ts";
import { literally } from "../postgres/literally.ts";
import { hasMark, isMark, type Mark, marksIn } from "./marked-runs.ts";

export interface RunsFilter extends RunFilter {
  project_id: string;
}

type Given = (value: unknown) => string;

/**
 * The parts of a statement over the runs that a filter lets through, and the time and the id that they are ordered by. A workflow that
 * is named has to be one of the project's. `given` makes a value a parameter of the statement. What follows from a condition is
 * said as well where it bounds the index that is read. `lead`: the tag or label whose runs are read.
 */
export function filteredRuns(
  filter: RunsFilter,
  given: Given,
  sort: RunsSort = "created",
  lead: Mark | undefined = sort === "created" ? marksIn(filter)[0] : undefined,
) {
  const { project_id, workflow_id, created_by, triggered_by, is_retried } = filter;
  const source = lead ? `${lead.table} mark join workflow_runs run on run.id = mark.run_id` : "workflow_runs run";
  const [project, created, runId] = lead
    ? ["mark.project_id", "mark.created_at", "mark.run_id"]
    : ["run.project_id", "run.created_at", "run.id"];
  const where: string[] = [];
  const equals = (column: string, value: string | undefined) => {
    if (value !== undefined) where.push(`${column} = ${given(value)}`);
  };
  // All runs of a workflow are in its project. Said of both, Postgres would take it for a coincidence, and for rare.
  if (lead || workflow_id === undefined || sort === "finished") equals(project, project_id);
  // Where the runs may be read first, and then their marks.
  if (lead && filtersIn(filter).length > 1) equals("run.project_id", project_id);
  if (lead) where.push(...isMark(lead, given));
  equals("run.workflow_id", workflow_id);
  equals("run.created_by", created_by);
  equals("run.triggered_by", triggered_by);
  // By this, the index of all others can be chosen.
  if (triggered_by !== undefined && triggered_by !== "manual") where.push("run.triggered_by <> 'manual'");
  if (is_retried !== undefined) where.push(`run.retried_by_run_id is ${is_retried ? "not null" : "null"}`);
  for (const mark of marksIn(filter))
    if (mark.table !== lead?.table) where.push(hasMark(mark, given, lead ? "mark" : "run", sort === "finished"));
  where.push(...statusIs(statusesOf(filter), given), ...happened(filter, created, given, sort));
  where.push(...errs(filter, given), ...waits(filter, created, given));
  return sort === "finished"
    ? { from: source, where: [...where, "run.finished_at is not null"], at: "run.finished_at", id: "run.id" }
    : { from: source, where, at: created, id: runId };
}

const FILTERS = [
  "workflow_id",
  "status",
  "triggered_by",
  "created_by",
  "tag_key",
  "label",
  "created_after",
  "created_before",
  "finished_after",
  "finished_before",
  "error_contains",
  "waiting_longer_than_secs",
  "is_retried",
] as const satisfies (keyof RunFilter)[];

/** Those that are given. A tag is one, with its value or without. */
export const filtersIn = (filter: RunFilter) => FILTERS.filter((name) => filter[name] !== undefined);

/** The statuses that a run can have which the filter lets through; undefined: any. */
export function statusesOf({ status, error_contains, waiting_longer_than_secs }: RunFilter): RunStatus[] | undefined {
  const each = [
    status && [status].flat(),
    error_contains === undefined ? undefined : WITH_ERRORS,
    waiting_longer_than_secs === undefined ? undefined : OPEN,
  ].filter((statuses) => statuses !== undefined);
  const [first, ...others] = each;
  return first?.filter((one) => others.every((statuses) => statuses.includes(one)));
}

const WITH_ERRORS: RunStatus[] = ["failed", "timed_out", "canceled"];
const OPEN: RunStatus[] = ["pending", "running", "paused"];

function statusIs(statuses: RunStatus[] | undefined, given: Given): string[] {
  if (!statuses) return [];
  const [only, ...others] = statuses;
  if (only === undefined) return ["false"];
  return others.length === 0 ? [`run.status = ${given(only)}`] : [`run.status = any(${given(statuses)}::text[])`];
}

/** A run is not over before it is made. */
function happened(filter: RunFilter, created: string, given: Given, sort: RunsSort): string[] {
  const { created_after, created_before, finished_after, finished_before } = filter;
  const where: string[] = [];
  const since = (column: string, time: number) => where.push(`${column} >= epoch_ms(${given(time)})`);
  const until = (column: string, time: number) => where.push(`${column} < epoch_ms(${given(time)})`);
  if (created_after !== undefined) since(created, created_after);
  if (created_before !== undefined) until(created, created_before);
  if (finished_after !== undefined) since("run.finished_at", finished_after);
  if (finished_before !== undefined) until("run.finished_at", finished_before);
  if (created_after !== undefined && sort === "finished") since("run.finished_at", created_after);
  if (finished_before !== undefined && sort === "created") until(created, finished_before);
  return where;
}

const errs = ({ error_contains }: RunFilter, given: Given): string[] =>
  error_contains === undefined ? [] : [`run.error ilike ${given(`%${literally(error_contains)}%`)}`];

/** SQL: a wait has been open for longer than this. */
export const longWait = (secs: string) => `wait.status = 'waiting' and wait.requested_at < ${ago(secs)}`;
const ago = (secs: string) => `now() - make_interval(secs => ${secs})`;

/** A wait does not begin before its run is made. */
function waits(filter: RunsFilter, created: string, given: Given): string[] {
  const { project_id, waiting_longer_than_secs: secs } = filter;
  if (secs === undefined) return [];
  const [project, long] = [given(project_id), given(secs)];
  return [
    `${created} < ${ago(long)}`,
    `exists (select from event_triggers wait where wait.project_id = ${project} and wait.run_id = run.id and ${longWait(long)})`,
  ];
}
