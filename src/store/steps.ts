import type { QueryConfig } from "pg";
import { type Columns, isUuid, withoutNulls } from "./postgres/columns.ts";
import { documentOf } from "./documents.ts";
import type { Db } from "./postgres/pool.ts";
import type { StepRow } from "../../workflows/engine/mirror/rows.ts";

/** The steps of a run that have changed since it began, in the order of the definition. */
export async function listStepRows(db: Db, runId: string): Promise<StepRow[]> {
  if (!isUuid(runId)) return [];
  const { rows } = await db.query<StepColumns>(stepsStatement(runId));
  return rows.map(stepOf);
}

export function stepsStatement(runId: string): QueryConfig {
  return { name: "list_steps", text: "select * from step_runs where run_id = $1 order by idx", values: [runId] };
}

/** How some steps stand; those that have not changed since their run began are missing. */
export async function listStatuses(db: Db, some: Pick<StepRow, "run_id" | "idx">[]): Promise<StepStatusRow[]> {
  if (some.length === 0) return [];
  const { rows } = await db.query<Columns<StepStatusRow>>(
    `select run_id, idx, step_ref, status, cause from step_runs
     join unnest($1::uuid[], $2::integer[]) as asked(of_run, of_idx) on run_id = of_run and idx = of_idx`,
    [some.map(({ run_id }) => run_id), some.map(({ idx }) => idx)],
  );
  return rows.map((row) => withoutNulls<StepStatusRow>(row));
}

export type StepStatusRow = Pick<StepRow, "run_id" | "idx" | "step_ref" | "status" | "cause">;

type StepColumns = Omit<Columns<StepRow>, "output"> & { output: string | null; output_ref: string | null };

function stepOf({ output, output_ref, ...row }: StepColumns): StepRow {
  return withoutNulls<StepRow>({ ...row, output: documentOf(output, output_ref) });
}
