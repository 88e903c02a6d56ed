import type { QueryConfig } from "pg";
import { filteredRuns, type RunsFilter } from "./run-sources.ts";
import { LISTED_RUN, type ListedRun, listedRun } from "./listed-run.ts";
import { after, type ListRequest, parameters } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";

export type RunsRequest = ListRequest & RunsFilter;

/** Newest first. */
export async function listRuns(db: Db, request: RunsRequest): Promise<ListedRun[]> {
  const { rows } = await db.query<[string]>({ ...runsStatement(request), rowMode: "array" });
  return rows.slice(0, request.limit).map(([text]) => listedRun(text));
}

/** The limit is written into the statement, so that Postgres plans for few rows. These are the limits there are: each is a statement to prepare. */
const FETCHED = [11, 51, 101];

/**
 * Each filter has an index in the list's order, which is the best one for any value: a statement with one filter is prepared, and
 * its plan kept. With several filters the best index depends on the values: the statement is planned each time.
 */
export function runsStatement(request: RunsRequest): QueryConfig {
  const { workflow_id, status, tag_key, cursor, limit } = request;
  const { values, given } = parameters();
  const { from, where, at, id } = filteredRuns(request, given);
  where.push(...after(cursor, at, id, given));
  // The outer select makes text of the rows of the page only, not of all that are sorted.
  const text = `
    select ${LISTED_RUN} from (
      select run.* from ${from} where ${where.join(" and ")}
      order by ${at} desc, ${id} desc limit ${FETCHED.find((rows) => rows >= limit) ?? limit}) run`;
  const filters = [workflow_id, status, tag_key].filter((filter) => filter !== undefined).length;
  return { name: filters > 1 ? undefined : nameOf(text), text, values };
}

const names = new Map<string, string>();

function nameOf(text: string): string {
  const name = names.get(text) ?? `list_runs_${names.size}`;
  names.set(text, name);
  return name;
}
