import type { RunCounts, RunStatus, WaitingStep, WorkflowRun } from "../contract/runs.ts";
import type { RunFilter } from "../contract/lists/run-filters.ts";
import type { Deps } from "../deps.ts";
import { fittingPageOf, type Page } from "./page.ts";
import { countRuns as countRows } from "../store/run-lists/count-runs.ts";
import { hasRuns, listRuns as listRows, type RunsRequest } from "../store/run-lists/list-runs.ts";
import { listLongWaits, type LongWait } from "../store/run-lists/long-waits.ts";
import { presentRuns } from "../views/run.ts";
import { shownTime } from "../views/shown-time.ts";
import { epochMs, rfc3339 } from "../../workflows/engine/time.ts";

type Listed = Omit<RunsRequest, "project_id">;

/** A page of a project's runs, newest first, from the mirror; a smaller one where their payloads are large. */
export const listRuns = async (deps: Deps, project_id: string, filter: Listed): Promise<Page<WorkflowRun>> =>
  (await isForeign(deps, project_id, filter)) ? { items: [] } : listOwnRuns(deps, project_id, filter);

/** The same where the workflow is known to be the project's. */
export const listOwnRuns = (deps: Deps, project_id: string, filter: Listed): Promise<Page<WorkflowRun>> =>
  fittingPageOf(
    filter.limit,
    (limit) => listRows(deps.db, { ...filter, project_id, limit }),
    async (rows) => withWaits(deps, await presentRuns(deps, rows), filter.waiting_longer_than_secs),
    ({ created_at, finished_at, id }) => ({
      at: epochMs(filter.sort === "finished" && finished_at !== undefined ? finished_at : created_at),
      id,
    }),
  );

/** The store takes it that a workflow which is named is the project's. */
const isForeign = async ({ db }: Deps, project_id: string, { workflow_id }: RunFilter): Promise<boolean> =>
  workflow_id !== undefined && !(await hasRuns(db, project_id, workflow_id));

/** Each run with what it has waited for so long, where that was asked. */
async function withWaits({ db }: Deps, runs: WorkflowRun[], secs: number | undefined): Promise<WorkflowRun[]> {
  if (secs === undefined || runs.length === 0) return runs;
  const ids = runs.map(({ id }) => id);
  const waits = await listLongWaits(db, ids, secs);
  return runs.map((run) => ({ ...run, waiting_on: waits.filter(({ run_id }) => run_id === run.id).map(shownWait) }));
}

const shownWait = ({ step_ref, source, requested_at, expires_at, event_key, approvers }: LongWait): WaitingStep => ({
  step_ref,
  source,
  requested_at: rfc3339(requested_at),
  expires_at: shownTime(expires_at),
  approvers,
  event_key: source === "wait_for_event" ? event_key : undefined,
});

/** How many of a project's runs there are by status, and by workflow. */
export async function countRuns(deps: Deps, project_id: string, filter: RunFilter): Promise<RunCounts> {
  const { counts, capped } = (await isForeign(deps, project_id, filter))
    ? { counts: [], capped: [] }
    : await countRows(deps.db, { ...filter, project_id });
  const all = { total: 0, by_status: {} as Partial<Record<RunStatus, number>> };
  const byWorkflow = new Map<string, typeof all>();
  for (const { workflow_id, status, count } of counts) {
    const own = byWorkflow.get(workflow_id) ?? { total: 0, by_status: {} };
    byWorkflow.set(workflow_id, own);
    for (const of of [all, own]) {
      of.total += count;
      of.by_status[status] = (of.by_status[status] ?? 0) + count;
    }
  }
  const by_workflow = [...byWorkflow].map(([workflow_id, own]) => ({ workflow_id, ...own }));
  return { ...all, by_workflow: by_workflow.sort((a, b) => b.total - a.total), capped };
}
