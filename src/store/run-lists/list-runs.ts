import type { QueryConfig } from "pg";
import { filteredRuns, filtersIn, type RunsFilter, statusesOf } from "./run-sources.ts";
import { type Mark, rareMark } from "./marked-runs.ts";
import { LISTED_RUN, type ListedRun, listedRun } from "./listed-run.ts";
import { id } from "../../contract/ids.ts";
import type { RunsSort } from "../../contract/lists.ts";
import type { RunStatus } from "../../contract/runs.ts";
import { after, type ListRequest, parameters } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";

export type RunsRequest = ListRequest & RunsFilter & { sort?: RunsSort };

/** Newest first. */
export async function listRuns(db: Db, request: RunsRequest): Promise<ListedRun[]> {
  const lead = request.sort === "finished" ? await rareMark(db, request) : undefined;
  const { rows } = await db.query<[string]>({ ...runsStatement(request, lead), rowMode: "array" });
  return rows.slice(0, request.limit).map(([text]) => listedRun(text));
}

/** Also of a workflow that is deleted by now. */
export async function hasRuns(db: Db, project_id: string, workflow_id: string): Promise<boolean> {
  if (!id.safeParse(workflow_id).success) return false;
  const { rows } = await db.query({
    name: "project_of_runs",
    text: "select project_id from workflow_runs where workflow_id = $1 limit 1",
    values: [workflow_id],
  });
  return rows[0]?.project_id === project_id;
}

/** The limit is written into the statement, so that Postgres plans for few rows. These are the limits there are: each is a statement to prepare. */
const FETCHED = [11, 51, 101];

export function runsStatement(request: RunsRequest, lead?: Mark): QueryConfig {
  const { cursor, limit, sort = "created" } = request;
  const { values, given } = parameters();
  const most = FETCHED.find((rows) => rows >= limit) ?? limit;
  const pages = branchesOf(request, sort).map((filter) => {
    const { from, where, at, id } = filteredRuns(filter, given, sort, lead);
    where.push(...after(cursor, at, id, given));
    const columns = sort === "finished" ? "run.id" : "run.*";
    return `select ${columns} from ${from} where ${where.join(" and ")} order by ${at} desc, ${id} desc limit ${most}`;
  });
  // The outer select makes text of the rows of the page only, not of all that are sorted.
  const text = `select ${LISTED_RUN} from (${sort === "finished" ? ofIds(pages[0]) : merged(pages, most)}) run`;
  return { name: isPrepared(request) ? nameOf(text) : undefined, text, values };
}

const merged = (pages: string[], most: number) =>
  pages.length === 1 ? pages[0] : `(${pages.join(") union all (")}) order by created_at desc, id desc limit ${most}`;

/** The index by end also knows when a run was made: those that are passed over for that are not read themselves. */
const ofIds = (page: string | undefined) =>
  `select run.* from (${page}) page join workflow_runs run using (id) order by finished_at desc, id desc`;

/** What has no index in the list's order together with a status. */
const ALONE = [
  "workflow_id",
  "triggered_by",
  "created_by",
  "tag_key",
  "label",
  "error_contains",
  "is_retried",
] as const;

/**
 * The index by status is in the list's order for one status at a time: several are read one by one, and merged. Where something
 * else than the status leads to the runs, they are read once.
 */
export function branchesOf(filter: RunsFilter, sort: RunsSort): RunsFilter[] {
  const statuses = statusesOf(filter);
  if (!statuses || statuses.length < 2 || sort === "finished") return [filter];
  if (ALONE.some((name) => filter[name] !== undefined)) return [filter];
  return statuses.map((status: RunStatus) => ({ ...filter, status }));
}

/** By these, each alone, the best index is the same for any value. */
const PREPARED: readonly string[] = ["workflow_id", "status", "tag_key", "label"];

/**
 * A statement with one filter that has an index in the list's order is prepared, and its plan kept. Otherwise the best index depends
 * on the values: the statement is planned each time.
 */
function isPrepared({ sort, ...filter }: RunsRequest): boolean {
  const [only, ...others] = filtersIn(filter);
  if (sort === "finished" || others.length > 0 || (statusesOf(filter)?.length ?? 1) !== 1) return false;
  return only === undefined || PREPARED.includes(only);
}

const names = new Map<string, string>();

function nameOf(text: string): string {
  const name = names.get(text) ?? `list_runs_${names.size}`;
  names.set(text, name);
  return name;
}
