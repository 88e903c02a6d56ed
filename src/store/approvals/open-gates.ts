import type { Db } from "../postgres/pool.ts";

/** With these it costs the same, however many wait. */
const MOST_PROJECTS = 100;
const MOST_OF_PROJECT = 1_000;

export interface OpenGates {
  project_id: string;
  under_1h: number;
  under_1d: number;
  under_7d: number;
  over_7d: number;
  oldest_secs: number;
}

/** The approvals that wait, by project and age. Of each project those that are due first, from an index. */
export async function openGates(db: Db): Promise<OpenGates[]> {
  const { rows } = await db.query<OpenGates>({ name: "open_gates", text: OPEN_GATES });
  return rows;
}

const WAITING = "approvals where status = 'pending'";

const OPEN_GATES = `
  with recursive project(id) as (
    (select project_id from ${WAITING} order by project_id limit 1)
    union all
    select (select project_id from ${WAITING} and project_id > project.id order by project_id limit 1)
    from project where project.id is not null
  ),
  gate as (
    select project.id as project_id, now() - waiting.requested_at as age
    from (select id from project where id is not null limit ${MOST_PROJECTS}) project,
      lateral (
        select requested_at from ${WAITING} and project_id = project.id
        order by due_at, step_run_id limit ${MOST_OF_PROJECT}
      ) waiting
  )
  select project_id,
    count(*) filter (where age < interval '1 hour')::int as under_1h,
    count(*) filter (where age >= interval '1 hour' and age < interval '1 day')::int as under_1d,
    count(*) filter (where age >= interval '1 day' and age < interval '7 days')::int as under_7d,
    count(*) filter (where age >= interval '7 days')::int as over_7d,
    greatest(extract(epoch from max(age)), 0)::float8 as oldest_secs
  from gate group by project_id`;
