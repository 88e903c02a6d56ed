import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StepRun } from "../../../src/contract/runs.ts";
import { findApproval } from "../../../src/store/approvals/approvals.ts";
import { gate, getStep, listed, opens, reaches, runOf, wait } from "../definitions.ts";
import { answered, refused, stepAnswer } from "../shapes.ts";
import { routes } from "../../../src/http/routes/index.ts";
import { neededBy } from "../../hostile/routes.ts";
import { runsOn } from "../runs/steered.ts";
import { stepsOn, type Verb } from "./steered.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { steer, atGate } = stepsOn(() => stack);
const { cancel, runOfSlowStep } = runsOn(() => stack);

const gateStatus = async (step: StepRun) => (await findApproval(stack.deps.db, step.id))?.status;

describe("every verb of a step", () => {
  const verbs: [verb: Verb, unknownStep: string][] = [
    ["approve", "workflow step run not found"],
    ["reject", "workflow step run not found"],
    ["skip", "workflow step run not found"],
    ["force-complete", "workflow step run not found"],
    ["retry", "workflow step run not found"],
    ["replay-subtree", "step not found in workflow version"],
  ];

  test.each(verbs)("%s of an unknown or malformed run is a 404", async (verb) => {
    for (const id of [uuid(), "string", "0"])
      refused(
        await stack.request("POST", `/v1/workflow-runs/${id}/steps/gate/${verb}`, {}),
        404,
        "not_found",
        "workflow run not found",
      );
  });

  test.each(verbs)("%s of another project's run is the same 404, and does nothing", async (verb) => {
    const run = await atGate();
    const answer = await steer(run, "gate", verb, {}, stack.token({ projects: ["other"] }));
    refused(answer, 404, "not_found", "workflow run not found");
    expect((await getStep(stack, run, "gate")).status).toBe("waiting");
  });

  test.each(verbs)("%s of an unknown step is a 404, in open and closed runs", async (verb, message) => {
    const run = await atGate();
    const refs = ["nope", "GATE", encodeURIComponent("gate/next")];
    for (const ref of refs) refused(await steer(run, ref, verb, {}), 404, "not_found", message);
    await cancel(run);
    for (const ref of refs) refused(await steer(run, ref, verb, {}), 404, "not_found", message);
  });

  test.each(verbs)(
    "%s of a name that is longer than any step's never gets as far as the run",
    async (verb, message) => {
      const run = await atGate();
      refused(await steer(run, "x".repeat(129), verb, {}), 404, "not_found", message);
      refused(await steer(run, "x".repeat(8_000), verb, {}), 404, "not_found", message);
      const { events } = await stack.deps.temporal.workflow.getHandle(run.id).fetchHistory();
      expect(events?.filter((event) => event.workflowExecutionSignaledEventAttributes)).toEqual([]);
    },
  );

  test.each(verbs.slice(0, 4))("%s refuses a body that is malformed or has unknown fields", async (verb) => {
    const run = await atGate();
    for (const [body, field] of [
      ["{", "body"],
      ["{} {}", "body"],
      ["[]", "body"],
      ['{"nope": 1}', "nope"],
    ] as const) {
      const { details } = refused(
        await steer(run, "gate", verb, body),
        400,
        "validation_error",
        "invalid request body",
      );
      expect(details).toEqual([expect.stringMatching(`^${field}: `)]);
    }
    expect((await getStep(stack, run, "gate")).status).toBe("waiting");
  });
});

describe("whatever is asked of a step", () => {
  const ofSteps = routes.filter(({ path }) => path.includes(":stepRef"));
  const asked = ofSteps.map(({ method, path }) => [`${method.toUpperCase()} ${path}`, method, path] as const);

  test.each(asked)("%s is a 404 where the run has no such step", async (_, method, path) => {
    const [open, over] = [await atGate(), await atGate()];
    await cancel(over);
    for (const { id } of [open, over]) {
      const url = path.replace(":workflowRunID", id).replace(":stepRef", "nope");
      const answer = await stack.request(method.toUpperCase(), url, neededBy(path));
      refused(
        answer,
        404,
        "not_found",
        /^(workflow step run not found|step not found in workflow version|approval not found for step "nope")$/,
      );
    }
  });
});

describe("skipping", () => {
  test("skips a gate, overrides its approval and lets what waits for it run", async () => {
    const run = await atGate();
    const { step_run } = answered(await steer(run, "gate", "skip", { reason: "not needed" }), 200, stepAnswer);
    expect(step_run).toMatchObject({ step_ref: "gate", status: "skipped", error: "not needed", attempt: 1 });
    expect(step_run.finished_at).toBeDefined();
    expect(await getStep(stack, run, "gate")).toEqual(step_run);
    expect(await gateStatus(step_run)).toBe("overridden");
    await opens(stack, run, "next");
  });

  test("needs no reason and no body", async () => {
    for (const body of [undefined, "", {}, { reason: null }]) {
      const { step_run } = answered(await steer(await atGate(), "gate", "skip", body), 200, stepAnswer);
      expect(step_run).not.toHaveProperty("error");
    }
  });

  test("takes away the wait of an event step: its key is nobody's any more", async () => {
    const run = await runOf(stack, [wait("paid", "skipped-key"), gate("gate")]);
    await opens(stack, run, "paid");
    answered(await steer(run, "paid", "skip"), 200, stepAnswer);
    const sent = await stack.request("POST", "/v1/events/skipped-key/send");
    refused(sent, 409, "conflict", "event trigger is not in waiting state");
  });

  test("of the last open step completes the run, and the list shows it", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    answered(await steer(run, "gate", "skip"), 200, stepAnswer);
    expect((await listed(stack, run))?.status).toBe("completed");
  });

  test("of a step that is not pending or waiting is refused", async () => {
    const run = await atGate();
    await steer(run, "gate", "skip");
    refused(await steer(run, "gate", "skip"), 400, "invalid_state", "cannot skip step in skipped status");
    await cancel(run);
    refused(await steer(run, "next", "skip"), 400, "invalid_state", "cannot skip step in canceled status");
    const { run: busy, answer } = await runOfSlowStep("/no-skip");
    refused(await steer(busy, "slow", "skip"), 400, "invalid_state", "cannot skip step in running status");
    answer();
    await reaches(stack, busy, "completed");
    refused(await steer(busy, "slow", "skip"), 400, "invalid_state", "cannot skip step in completed status");
  });
});

describe("force-completing", () => {
  test("completes a gate with the result as its output, and overrides its approval", async () => {
    const run = await atGate();
    const answer = await steer(run, "gate", "force-complete", { result: { forced: true } });
    const { step_run } = answered(answer, 200, stepAnswer);
    expect(step_run).toMatchObject({ status: "completed", output: { forced: true }, deps_required: 0 });
    expect(await getStep(stack, run, "gate")).toEqual(step_run);
    expect(await gateStatus(step_run)).toBe("overridden");
    await opens(stack, run, "next");
  });

  test.each([
    ["1", "1"],
    ['"text"', '"text"'],
    ["[1, null]", "[1,null]"],
    ["false", "false"],
    ["12345678901234567890", "12345678901234567890"],
    [`"${"long ".repeat(50_000)}"`, `"${"long ".repeat(50_000)}"`],
  ])("takes any JSON as the result, and shows it unchanged: %.40s", async (result, shown) => {
    const run = await atGate();
    const answer = await fetch(`${stack.apiUrl}/v1/workflow-runs/${run.id}/steps/gate/force-complete`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.token()}` },
      body: `{"result": ${result}}`,
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain(`"output":${shown}`);
  });

  test("needs no result and no body", async () => {
    for (const body of [undefined, "", {}, { result: null }]) {
      const { step_run } = answered(await steer(await atGate(), "gate", "force-complete", body), 200, stepAnswer);
      expect(step_run).not.toHaveProperty("output");
    }
  });

  test("ends a step early that has not started, and with it the run", async () => {
    const run = await atGate();
    const { step_run } = answered(await steer(run, "next", "force-complete", { result: 1 }), 200, stepAnswer);
    expect(step_run).toMatchObject({ status: "completed", deps_completed: 0, deps_required: 1 });
    expect(step_run).not.toHaveProperty("started_at");
    answered(await steer(run, "gate", "force-complete"), 200, stepAnswer);
    expect((await listed(stack, run))?.status).toBe("completed");
  });

  test("of a step that is not pending or waiting is refused", async () => {
    const run = await atGate();
    await steer(run, "gate", "force-complete");
    const message = (status: string) => `cannot force-complete step in ${status} status`;
    refused(await steer(run, "gate", "force-complete"), 400, "invalid_state", message("completed"));
    await cancel(run);
    refused(await steer(run, "next", "force-complete"), 400, "invalid_state", message("canceled"));
    const { run: busy, answer } = await runOfSlowStep("/no-force");
    refused(await steer(busy, "slow", "force-complete"), 400, "invalid_state", message("running"));
    answer();
  });
});
