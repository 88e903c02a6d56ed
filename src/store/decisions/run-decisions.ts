import type { Cursor } from "../../contract/cursor.ts";
import { after, parameters } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";
import type { Reason } from "../../../workflows/engine/reasons/reason.ts";

/** SQL that inserts the DecisionRows of a json expression, each with its run_id. They never change. */
export const insertDecisionsFrom = (json: string) => `
  insert into run_decisions (run_id, at, id, steps, reason)
  select run_id, epoch_ms(at), md5(concat_ws(' ', run_id, at, steps, reason))::uuid, steps::int4multirange, reason
  from json_to_recordset(${json}) as decision(run_id uuid, at float8, steps text, reason json)
  on conflict (run_id, at, id) do nothing`;

/** One step's of what was written for several. `step`: its index. */
export interface StepDecision {
  id: string;
  step: number;
  at: number;
  reason: Reason;
}

interface DecisionsRequest {
  runId: string;
  step?: number;
  reasons?: string[];
  cursor?: Cursor;
  limit: number;
}

/** Newest first. Each has an id of its own: a hash, in the form of a uuid (version 8). */
export async function listDecisions(db: Db, request: DecisionsRequest): Promise<StepDecision[]> {
  const { runId, step, reasons, cursor, limit } = request;
  const { values, given } = parameters();
  const where = [`run_id = ${given(runId)}`];
  const ofStep = step === undefined ? [] : [`step = ${given(step)}`];
  if (step !== undefined) where.push(`steps @> ${given(step)}::int`);
  if (reasons) where.push(`reason->>'reason' = any(${given(reasons)})`);
  const most = given(limit);
  const rows = (...more: string[]) => `select * from run_decisions where ${[...where, ...more].join(" and ")}`;
  // Each row is of one step at least, so these are enough, with all of the cursor's own time.
  const newest = (...more: string[]) => `(${rows(...more)} order by at desc fetch first (${most}) rows with ties)`;
  const time = cursor && given(cursor.at);
  const enough = time ? `${newest(`at < epoch_ms(${time})`)} union all (${rows(`at = epoch_ms(${time})`)})` : newest();
  const { rows: found } = await db.query<Omit<StepDecision, "reason"> & { reason: string }>(
    `select * from (
       select overlay(overlay(md5(concat_ws(' ', id, step)) placing '8' from 13) placing '8' from 17)::uuid as id, step, at, reason
       from (${enough}) decision, unnest(steps) span, generate_series(lower(span), upper(span) - 1) step) of_step
     where ${["true", ...ofStep, ...after(cursor, "at", "id", given)].join(" and ")}
     order by at desc, id desc limit ${most}`,
    values,
  );
  return found.map(({ reason, ...row }) => ({ ...row, reason: JSON.parse(reason) as Reason }));
}
