import type { Db } from "./postgres/pool.ts";

/** Whether the project has one of these under this slug. */
export async function isSlugTaken(
  db: Db,
  table: "jobs" | "workflows",
  { project_id, slug }: { project_id: string; slug: string },
): Promise<boolean> {
  const { rowCount } = await db.query(`select from ${table} where project_id = $1 and slug = $2`, [project_id, slug]);
  return rowCount === 1;
}
