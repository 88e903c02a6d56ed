import type { QueryConfig } from "pg";
import { branchesOf } from "./list-runs.ts";
import { marksIn } from "./marked-runs.ts";
import { filteredRuns, type RunsFilter, statusesOf } from "./run-sources.ts";
import { RUN_STATUSES, type RunStatus } from "../../contract/runs.ts";
import { parameters } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";

/** So many are counted of each status; where they are not read by status, so many in all. */
const MOST_COUNTED = 10_000;

export interface CountedRuns {
  counts: { workflow_id: string; status: RunStatus; count: number }[];
  /** Of these there may be more. */
  capped: RunStatus[];
}

export async function countRuns(db: Db, filter: RunsFilter): Promise<CountedRuns> {
  const { rows } = await db.query<{ part: number; workflow_id: string; status: RunStatus; count: number }>(
    countsStatement(filter),
  );
  const capped = partsOf(filter).filter((_, i) => {
    const counts = rows.filter(({ part }) => part === i).map(({ count }) => count);
    return counts.reduce((sum, count) => sum + count, 0) >= MOST_COUNTED;
  });
  return { counts: rows, capped: capped.flatMap(({ status }) => status) };
}

const partsOf = (filter: RunsFilter) => {
  const status = statusesOf(filter) ?? [...RUN_STATUSES];
  return branchesOf({ ...filter, status }, "created").map((branch) => ({ ...branch, status: branch.status ?? status }));
};

export function countsStatement(filter: RunsFilter): QueryConfig {
  const { values, given } = parameters();
  const parts = partsOf(filter).map((branch, part) => {
    const { from, where, at, id } = filteredRuns(branch, given);
    // Those of a tag or a label are read sooner in no order.
    const newest = marksIn(branch).length > 0 ? "" : `order by ${at} desc, ${id} desc`;
    return `(select ${part} as part, run.workflow_id, run.status from ${from} where ${where.join(" and ")} ${newest} limit ${MOST_COUNTED})`;
  });
  const text = `
    select part, workflow_id, status, count(*) from (${parts.join(" union all ")}) counted
    group by part, workflow_id, status`;
  return { text, values };
}
