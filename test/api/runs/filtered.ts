import { v7 as uuid } from "uuid";
import type { RunFilter } from "../../../src/contract/lists/run-filters.ts";
import type { RunStatus } from "../../../src/contract/runs.ts";
import { writeMirror } from "../../../src/store/mirror/write-mirror.ts";
import type { Stack } from "../../stack/harness.ts";
import type { ApprovalRow, RunRow, TriggerRow } from "../../../workflows/engine/mirror/rows.ts";

/** A run as a test makes it up, and what it waits for. Times are epoch milliseconds. */
export interface Made {
  run: RunRow;
  retried_by?: string;
  waits: { step_ref: string; since: number }[];
}

const HOUR = 3_600_000;
const WORDS = ["timeout", "TimeOut of 5 s", "500 Internal", "100% \\ of a_b", "refused", "aab"];
const OVER: RunStatus[] = ["completed", "failed", "timed_out", "canceled"];

/** Runs of the last 100 hours, some at the same moments, each in a state that a run can be in. */
export function madeUp(count: number, workflows: string[], random: () => number): Made[] {
  const one = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T;
  const now = Date.now();
  const all: Made[] = [];
  for (let i = 0; i < count; i++) {
    const status = one<RunStatus>(["pending", "running", "paused", ...OVER, "failed", "failed"]);
    const created_at = now - (60 + Math.floor(random() * 40)) * HOUR;
    const isOver = OVER.includes(status);
    const source = random() < 0.2 ? one(all.filter(({ run }) => run.status === "failed")) : undefined;
    const run: RunRow = {
      id: uuid(),
      workflow_id: one(workflows),
      workflow_name: "made up",
      workflow_version: 1,
      workflow_version_id: "ver_0123456789ab",
      project_id: random() < 0.1 ? "other" : "demo",
      status,
      triggered_by: one(["manual", "manual", "retry", "by cron"]),
      created_by: one(["ada", "ben", "apikey:1"]),
      tags: random() < 0.5 ? { team: one(["a", "b"]), ...(random() < 0.5 && { urgent: "yes" }) } : {},
      labels: random() < 0.5 ? { ref: one(["a=b", "c", ""]), ...(random() < 0.5 && { hot: "1" }) } : undefined,
      created_at,
      started_at: status === "pending" ? undefined : created_at,
      finished_at: isOver ? created_at + Math.floor(random() * 10) * HOUR : undefined,
      error: isOver && status !== "completed" && random() < 0.8 ? `step x: ${one(WORDS)}` : undefined,
      retry_of_run_id: source?.run.id,
      depth: 0,
      revision: 1,
    };
    if (source) source.retried_by = run.id;
    const waits = isOver || random() < 0.3 ? [] : ["gate", "nap"].slice(0, 1 + Math.floor(random() * 2));
    all.push({
      run,
      waits: waits.map((step_ref) => ({ step_ref, since: now - Math.ceil(random() * 50) * HOUR })),
    });
  }
  return all;
}

/** As the mirror would write them. */
export async function store({ deps }: Stack, all: Made[]): Promise<void> {
  for (const { run, waits } of all) {
    const ids = waits.map(() => uuid());
    const triggers = waits.map(({ step_ref, since }, i): TriggerRow => {
      const source = step_ref === "gate" ? "approval" : "sleep";
      const of = { project_id: run.project_id, run_id: run.id, step_run_id: ids[i] ?? "", step_ref, source } as const;
      return {
        ...of,
        id: `${source}:${ids[i]}`,
        event_key: `${source}:${run.id}:${step_ref}`,
        status: "waiting",
        timeout_secs: 0,
        requested_at: since,
        revision: 1,
      };
    });
    const approvals = triggers
      .filter(({ source }) => source === "approval")
      .map(
        ({ run_id, step_run_id, requested_at }): ApprovalRow => ({
          id: `approval:${step_run_id}`,
          run_id,
          step_run_id,
          approvers: ["ops"],
          status: "pending",
          requested_at,
          revision: 1,
        }),
      );
    await writeMirror(deps.db, [{ run, steps: [], approvals, triggers, job_runs: [], commands: [] }]);
  }
}

export type Asked = Omit<RunFilter, "status"> & { status?: string[] };

/** The filter, told a second time. */
export function letsThrough(asked: Asked, { run, retried_by, waits }: Made): boolean {
  const { finished_at = Number.NaN } = run;
  const { tag_key, tag_value, label, error_contains: text, waiting_longer_than_secs: secs } = asked;
  const checks = [
    asked.workflow_id === undefined || run.workflow_id === asked.workflow_id,
    asked.status === undefined || asked.status.includes(run.status),
    asked.triggered_by === undefined || run.triggered_by === asked.triggered_by,
    asked.created_by === undefined || run.created_by === asked.created_by,
    tag_key === undefined || Object.hasOwn(run.tags ?? {}, tag_key),
    tag_key === undefined || tag_value === undefined || run.tags?.[tag_key] === tag_value,
    label === undefined ||
      Object.entries(run.labels ?? {}).some(([key, value]) => label === key || label === `${key}=${value}`),
    asked.created_after === undefined || run.created_at >= asked.created_after,
    asked.created_before === undefined || run.created_at < asked.created_before,
    asked.finished_after === undefined || finished_at >= asked.finished_after,
    asked.finished_before === undefined || finished_at < asked.finished_before,
    text === undefined || (run.error?.toLowerCase().includes(text.toLowerCase()) ?? false),
    secs === undefined || waits.some(({ since }) => since < Date.now() - secs * 1000),
    asked.is_retried === undefined || asked.is_retried === (retried_by !== undefined),
  ];
  return checks.every(Boolean);
}
