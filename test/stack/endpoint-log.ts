import { expect } from "vitest";
import type { Attempt, StepRun, WorkflowRun } from "../../src/contract/runs.ts";
import type { Stack } from "./harness.ts";
import type { Call } from "./job-endpoint.ts";

/** What a worker sent as it died is read a moment later; the next one makes no call so soon. */
const LATE_MS = 250;

interface JobRun {
  id: string;
  /** For messages. */
  of: string;
  attempts: Attempt[];
}

/**
 * Compares what the job endpoint saw with what the API tells of every step of every run, all of them over: the attempts
 * seen are the attempts told, no call is anyone else's, and what an attempt recorded is the answer to the last call made
 * for it, so that none was made after an answer was recorded. (For that, the endpoint has to answer each call otherwise.)
 * A call is made again only where a worker died in between, with the same X-Run-ID and X-Attempt, and none whose answer had been
 * `recorded` by then. Returns the calls that were made again.
 */
export async function compareEndpointLog(
  stack: Stack,
  deaths: number[] = [],
  recorded: ReadonlySet<string> = new Set(),
): Promise<Call[]> {
  const jobRuns = await toldJobRuns(stack);
  const known = new Set<unknown>(jobRuns.map(({ id }) => id));
  const { calls } = stack.jobs;
  expect(calls.filter(({ headers }) => !known.has(headers["x-run-id"]))).toEqual([]);
  return jobRuns.flatMap((jobRun) => {
    const seen = calls.filter(({ headers }) => headers["x-run-id"] === jobRun.id);
    const byAttempt = jobRun.attempts.map((_, n) => seen.filter(({ headers }) => headers["x-attempt"] === `${n + 1}`));
    expect(byAttempt.flat(), `${jobRun.of}: the attempts told, in their order`).toEqual(seen);
    return jobRun.attempts.flatMap((attempt, n) => {
      const made = byAttempt[n] ?? [];
      const of = `${jobRun.of}, attempt ${n + 1}`;
      expectRecorded(attempt, made.at(-1), of);
      return made.filter((call, m) => {
        const before = made[m - 1];
        if (!before) return false;
        const isCutOff = deaths.some((death) => before.at < death + LATE_MS && call.at >= death + LATE_MS);
        expect(isCutOff, `${of}: a worker died before call ${m + 1}`).toBe(true);
        expect(recorded, `${of} was recorded before call ${m + 1}`).not.toContain(`${jobRun.id}/${n + 1}`);
        return true;
      });
    });
  });
}

/** The attempts whose answers are stored at this moment, in the journal or in the mirror, as `<job run>/<attempt>`. */
export async function recordedAttempts({ deps }: Stack): Promise<Set<string>> {
  const { rows } = await deps.db.query<{ name: string }>(
    `select name from call_journal where outcome is not null
     union select job_run_id || '/' || attempt from step_attempts where job_run_id is not null
     union select job_run_id || '/' || attempt from step_runs
       where job_run_id is not null and status in ('completed', 'failed')`,
  );
  return new Set(rows.map(({ name }) => name));
}

/** Every dispatch of every step, also of those that were reset since. */
async function toldJobRuns({ request }: Stack): Promise<JobRun[]> {
  const get = async <Body>(path: string): Promise<Body> => {
    const { status, headers, body } = await request<Body>("GET", path);
    expect([status, headers.get("x-has-more") ?? "false"], path).toEqual([200, "false"]);
    return body;
  };
  const found: JobRun[] = [];
  for (const run of await get<WorkflowRun[]>("/v1/workflow-runs?limit=100")) {
    const path = `/v1/workflow-runs/${run.id}/steps`;
    for (const { step_ref, job_run_id } of await get<StepRun[]>(path)) {
      const told = await get<Attempt[]>(`${path}/${encodeURIComponent(step_ref)}/attempts?limit=100`);
      const ids = new Set(told.flatMap((attempt) => attempt.job_run_id ?? []));
      expect([...ids].at(-1)).toBe(job_run_id);
      for (const id of ids) {
        const attempts = told.filter((attempt) => attempt.job_run_id === id);
        found.push({ id, of: `step ${step_ref} of run ${run.id}`, attempts });
      }
    }
  }
  return found;
}

function expectRecorded({ status, output, error }: Attempt, last: Call | undefined, of: string): void {
  // One that was canceled may not have come to its call yet.
  if (status === "canceled") return;
  if (!last) expect.fail(`${of} is ${status} without a call: ${error}`);
  const { answer } = last;
  if (status === "completed") expect([answer?.status, output], of).toEqual([200, answer?.body]);
  else if (answer) expect(error, of).toContain(`endpoint returned ${answer.status}: ${JSON.stringify(answer.body)}`);
}
