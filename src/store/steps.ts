import type { QueryConfig } from "pg";
import { type Columns, isUuid, withoutNulls } from "./postgres/columns.ts";
import { documentOf } from "./documents.ts";
import type { Db } from "./postgres/pool.ts";
import type { RunRow, StepRow } from "../../workflows/engine/mirror/rows.ts";

/** The steps of a run that have changed since it began, in the order of the definition. */
export async function listStepRows(db: Db, runId: string): Promise<StepRow[]> {
  if (!isUuid(runId)) return [];
  const { rows } = await db.query<StepColumns>({
    name: "list_steps",
    text: "select * from step_runs where run_id = $1 order by idx",
    values: [runId],
  });
  return rows.map(stepOf);
}

/** What says which steps a run has, with the rows of those that have changed since it began. */
export interface RunOfSteps
  extends Pick<RunRow, "id" | "project_id" | "workflow_version_id" | "step_overrides" | "created_at"> {
  steps: StepRow[];
}

/** By one statement: clients ask for it all the time. */
export async function findRunOfSteps(db: Db, id: string): Promise<RunOfSteps | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<RunColumns & (StepColumns | { id: null })>(runOfStepsStatement(id));
  if (!rows[0]) return undefined;
  const { project_id, workflow_version_id, step_overrides, begun_at } = rows[0];
  return {
    ...{ id, project_id, workflow_version_id, created_at: begun_at },
    step_overrides: step_overrides === null ? undefined : JSON.parse(step_overrides),
    steps: rows.flatMap(({ project_id, workflow_version_id, step_overrides, begun_at, ...step }) =>
      step.id === null ? [] : [stepOf(step)],
    ),
  };
}

type RunColumns = Pick<RunRow, "project_id" | "workflow_version_id"> & {
  step_overrides: string | null;
  begun_at: number;
};

export const runOfStepsStatement = (runId: string): QueryConfig => ({
  name: "find_run_of_steps",
  text: `
    select run.project_id, run.workflow_version_id, run.step_overrides, run.created_at as begun_at, step.*
    from workflow_runs run left join step_runs step on step.run_id = run.id
    where run.id = $1 order by step.idx`,
  values: [runId],
});

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
