import type { Deps } from "../../src/deps.ts";
import { letGo, previewLetGo } from "../../src/commands/retention/let-go.ts";
import { parseRetention } from "../../src/rules/retention.ts";

/** The run and its sub-workflow runs, as if all of them had been made and had ended a hundred days earlier. */
export async function makeOld({ db }: Deps, ...runs: { id: string }[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `with recursive tree(id) as (
       select id from unnest($1::uuid[]) as root(id)
       union all
       select child.id from tree join workflow_runs child on child.parent_workflow_run_id = tree.id
     )
     update workflow_runs set
       created_at = created_at - interval '100 days', finished_at = finished_at - interval '100 days',
       reopened_at = reopened_at - interval '100 days'
     where id in (select id from tree) returning id`,
    [runs.map(({ id }) => id)],
  );
  return rows.map(({ id }) => id);
}

const RETENTION = parseRetention("*=90d");
/** How many would go. */
export const oldOnes = (deps: Deps) => previewLetGo(deps, RETENTION);
/** What is older than ninety days goes. */
export const letOldOnesGo = (deps: Deps) => letGo(deps, RETENTION);
