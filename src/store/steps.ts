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

type StepColumns = Omit<Columns<StepRow>, "output"> & { output: string | null; output_ref: string | null };

function stepOf({ output, output_ref, ...row }: StepColumns): StepRow {
  return withoutNulls<StepRow>({ ...row, output: documentOf(output, output_ref) });
}
