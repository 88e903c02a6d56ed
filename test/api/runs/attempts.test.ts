import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { createJob, gate, ok, opens, reaches, runOf, stepReaches, work } from "../definitions.ts";
import { answered, attempt, refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const get = (run: WorkflowRun, ref: string, query = "") =>
  stack.request("GET", `/v1/workflow-runs/${run.id}/steps/${ref}/attempts${query}`);
const attemptsOf = async (run: WorkflowRun, ref: string) => answered(await get(run, ref), 200, z.array(attempt));
const steer = (run: WorkflowRun, ref: string, verb: string, body?: object) =>
  ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/${ref}/${verb}`, body);

describe("GET …/steps/{ref}/attempts", () => {
  test("tells of every attempt what it was called with, how it ended and what it produced, in open and closed runs", async () => {
    const big = "x".repeat(5000);
    stack.jobs.on("/attempts", (_call, nth) =>
      nth === 1 ? { status: 503, body: "not yet" } : nth === 2 ? { body: { big } } : { status: 422, body: "never" },
    );
    const job = await createJob(stack, "/attempts", { max_attempts: 2 });
    const step = work("a", job, { retry_max_attempts: 2, retry_initial_delay_secs: 1 });
    const run = await runOf(stack, [step, gate("gate")]);
    await stepReaches(stack, run, "a", "completed");
    const [first, second] = await attemptsOf(run, "a");
    expect(first).toMatchObject({ attempt: 1, status: "failed", error: expect.stringContaining("not yet") });
    expect(second).toMatchObject({ attempt: 2, status: "completed", output: { big }, job_run_id: first?.job_run_id });
    expect(Date.parse(second?.started_at ?? "")).toBeGreaterThan(Date.parse(first?.finished_at ?? ""));

    await steer(run, "a", "retry");
    await reaches(stack, run, "failed");
    const all = await attemptsOf(run, "a");
    expect(all.slice(0, 2)).toEqual([first, second]);
    expect(all[2]).toMatchObject({ attempt: 3, status: "failed", error: expect.stringContaining("never") });
    expect(all[2]?.job_run_id).not.toBe(first?.job_run_id);
    const page = await get(run, "a", "?limit=1");
    expect([page.body, page.headers.get("x-has-more")]).toEqual([[first], "true"]);
  });

  test("keeps the mark of an override, also after the closed run was opened again", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    await steer(run, "gate", "skip", { reason: "no time" });
    await reaches(stack, run, "completed");
    await steer(run, "gate", "retry");
    await opens(stack, run, "gate");
    expect(await attemptsOf(run, "gate")).toMatchObject([
      {
        attempt: 1,
        status: "skipped",
        cause: "operator",
        approval: { status: "overridden", approved_by: "ada", error: "no time" },
      },
      { attempt: 2, status: "waiting", approval: { status: "pending" } },
    ]);
  });

  test("of a retried run keeps the mark of a force-complete", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    await steer(run, "gate", "force-complete", { result: 1 });
    await reaches(stack, run, "completed");
    const retry = await ok<WorkflowRun>(stack, "POST", `/v1/workflow-runs/${run.id}/retry`);
    await reaches(stack, retry, "completed");
    expect(await attemptsOf(retry, "gate")).toMatchObject([{ status: "completed", cause: "operator", output: 1 }]);
  });

  test("of what is not there is a 404", async () => {
    const run = await runOf(stack, [gate("gate"), gate("next", { depends_on: ["gate"] })]);
    expect(await attemptsOf(run, "next")).toEqual([{ attempt: 1, status: "waiting" }]);
    const unknown = refused(await get(run, "nope"), 404, "not_found", "workflow step run not found");
    expect(unknown.details).toEqual(['step_ref: the run has no step "nope"']);
    refused(await get({ ...run, id: uuid() }, "gate"), 404, "not_found", "workflow run not found");
  });
});
