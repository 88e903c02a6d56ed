import { type Columns, isUuid, withoutNulls } from "./postgres/columns.ts";
import { documentOf } from "./documents.ts";
import type { Db } from "./postgres/pool.ts";
import type { JobRunRow } from "../../workflows/engine/mirror/rows.ts";

export async function findJobRun(db: Db, id: string): Promise<JobRunRow | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<JobRunColumns>("select * from job_runs where id = $1", [id]);
  return rows[0] && jobRunOf(rows[0]);
}

type JobRunColumns = Omit<Columns<JobRunRow>, "output"> & { output: string | null; output_ref: string | null };

function jobRunOf({ output, output_ref, ...row }: JobRunColumns): JobRunRow {
  return withoutNulls<JobRunRow>({ ...row, output: documentOf(output, output_ref) });
}
