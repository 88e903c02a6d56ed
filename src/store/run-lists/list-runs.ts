import type { QueryConfig } from "pg";
import { LISTED_RUN, type ListedRun, listedRun } from "./listed-run.ts";
import { type PageOf, startOf } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";

type RunsPage = PageOf & RunsFilter;

/** Newest first. */
export async function listRuns(db: Db, page: RunsPage): Promise<ListedRun[]> {
  const { rows } = await db.query<[string]>({ ...runsStatement(page), rowMode: "array" });
  return rows.slice(0, page.limit).map(([text]) => listedRun(text));
}

/** With the number of rows in the statement its plan is made for few rows: one of these, not any that a client may think of. */
const FETCHED = [11, 51, 101];

/**
 * Each filter by itself has an index in the list's order, the best one whatever is asked for: such a statement is
 * prepared and its plan kept. Of several filters the values say whose index is best: it is planned each time.
 */
export function runsStatement(page: RunsPage): QueryConfig {
  const { workflowId, status, tagKey, cursor, limit } = page;
  const values: unknown[] = [];
  const given = (value: unknown) => `$${values.push(value)}`;
  const { from, where, at, id } = filteredRuns(page, given);
  if (cursor) {
    const [time, place] = startOf(cursor);
    where.push(`(${at}, ${id}) < (epoch_ms(${given(time)}), ${given(place)}::uuid)`);
  }
  // Around it, so that where rows are sorted only the page's are made into text.
  const text = `
    select ${LISTED_RUN} from (
      select run.* from ${from} where ${where.join(" and ")}
      order by ${at} desc, ${id} desc limit ${FETCHED.find((rows) => rows >= limit) ?? limit}) run`;
  const filters = [workflowId, status, tagKey].filter((filter) => filter !== undefined).length;
  return { name: filters > 1 ? undefined : nameOf(text), text, values };
}

export interface RunsFilter {
  projectId: string;
  workflowId?: string;
  status?: string;
  tagKey?: string;
  tagValue?: string;
}

/** Parts of a statement over the runs that a filter lets through. `given` makes a value a parameter of it. */
export function filteredRuns(filter: RunsFilter, given: (value: unknown) => string) {
  const { projectId, workflowId, status, tagKey, tagValue } = filter;
  const [from, project_id, at, id] = tagKey === undefined ? RUNS : TAGGED_RUNS;
  // A workflow's runs are all of its project.
  const where = workflowId ? [`run.workflow_id = ${given(workflowId)}`] : [`${project_id} = ${given(projectId)}`];
  if (status !== undefined) where.push(`run.status = ${given(status)}`);
  if (tagKey !== undefined) where.push(`tag.key = ${given(tagKey)}`);
  if (tagValue !== undefined) where.push(`tag.value = ${given(tagValue)}`);
  return { from, where, at, id };
}

const RUNS = ["workflow_runs run", "run.project_id", "run.created_at", "run.id"] as const;
const TAGGED_RUNS = [
  "run_tags tag join workflow_runs run on run.id = tag.run_id",
  "tag.project_id",
  "tag.created_at",
  "tag.run_id",
] as const;

const names = new Map<string, string>();

function nameOf(text: string): string {
  const name = names.get(text) ?? `list_runs_${names.size}`;
  names.set(text, name);
  return name;
}
