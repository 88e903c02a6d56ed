import { longWait } from "./run-sources.ts";
import { withoutNulls } from "../postgres/columns.ts";
import type { Db } from "../postgres/pool.ts";
import type { TriggerRow } from "../../../workflows/engine/mirror/rows.ts";

export type LongWait = Pick<
  TriggerRow,
  "run_id" | "step_ref" | "source" | "event_key" | "requested_at" | "expires_at"
> & { approvers?: string[] };

type WaitColumns = { [K in keyof Omit<LongWait, "approvers">]-?: LongWait[K] | null } & { approvers: string | null };

/** What these runs have waited for longer than that, the longest first. */
export async function listLongWaits(db: Db, runIds: string[], secs: number): Promise<LongWait[]> {
  const { rows } = await db.query<WaitColumns>(
    `select wait.run_id, wait.step_ref, source, event_key, wait.requested_at, wait.expires_at, approvers
     from event_triggers wait left join approvals on approvals.step_run_id = wait.step_run_id and source = 'approval'
     where wait.run_id = any($1::uuid[]) and ${longWait("$2")} order by wait.requested_at`,
    [runIds, secs],
  );
  return rows.map(({ approvers, ...row }) =>
    withoutNulls<LongWait>({ ...row, approvers: approvers === null ? null : JSON.parse(approvers) } as never),
  );
}
