import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { createJob, getRun, ok, reaches, runOf, work } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

let paths = 0;

/** "a" completes, "b" fails until its payload says `ok`, "c" comes after it. `calls`: what each was called with, in order. */
async function failedRun() {
  const path = `/edited-${++paths}`;
  stack.jobs.on(`${path}/b`, ({ body }) => ((body as { ok?: boolean }).ok ? {} : { status: 422, body: "not ok" }));
  const [a, b, c] = await Promise.all(["a", "b", "c"].map((ref) => createJob(stack, `${path}/${ref}`)));
  if (!a || !b || !c) throw new Error("no jobs");
  const steps = [
    work("a", a),
    work("b", b, { depends_on: ["a"], payload: { n: "{{order}}" } }),
    work("c", c, { depends_on: ["b"] }),
  ];
  const run = await reaches(stack, await runOf(stack, steps, {}, { payload: { order: 1 } }), "failed");
  const calls = (ref: string) => stack.jobs.callsTo(`${path}/${ref}`).map(({ body }) => body);
  return { run, calls };
}

const path = (run: WorkflowRun, verb: string) => `/v1/workflow-runs/${run.id}/${verb}`;
const post = (run: WorkflowRun, verb: string, body: unknown) => stack.request("POST", path(run, verb), body);

describe.each(["steps/b/retry", "steps/b/replay-subtree"])("%s", (verb) => {
  test("takes a payload for the run, and templates of steps see it", async () => {
    const { run, calls } = await failedRun();
    await ok(stack, "POST", path(run, verb), { payload: { order: 2, ok: true, note: "x".repeat(3000) } });
    await reaches(stack, run, "completed");
    expect(calls("a")).toHaveLength(1);
    expect(calls("b")[1]).toMatchObject({ n: 2, ok: true });
    expect(calls("c")[0]).toMatchObject({ order: 2 });
    expect((await getRun(stack, run)).payload).toMatchObject({ order: 2 });
  });

  test("takes payloads for single steps, of any size, and what they are given stays theirs", async () => {
    const { run, calls } = await failedRun();
    const big = "y".repeat(5000);
    await ok(stack, "POST", path(run, verb), { step_payloads: { b: { ok: true, at: "{{order}}" }, c: { big } } });
    await reaches(stack, run, "completed");
    expect(calls("b")[1]).toMatchObject({ ok: true, at: 1 });
    expect(calls("b")[1]).not.toHaveProperty("n");
    expect(calls("c")[0]).toMatchObject({ order: 1, big });

    // The closed run is opened again: what it was given is read back.
    await ok(stack, "POST", path(run, "steps/b/replay-subtree"));
    await reaches(stack, run, "completed");
    expect(calls("b")[2]).toMatchObject({ ok: true, at: 1 });
    expect(calls("c")[1]).toMatchObject({ big });
  });
});

describe("retry of a run", () => {
  test("takes both, for the new run; a retry of that one keeps them", async () => {
    const { run, calls } = await failedRun();
    const body = { payload: { order: 9 }, step_payloads: { b: { ok: false } } };
    const second = await ok<WorkflowRun>(stack, "POST", path(run, "retry"), body);
    expect(second.payload).toEqual({ order: 9 });
    await reaches(stack, second, "failed");
    expect(calls("b")[1]).toMatchObject({ order: 9, ok: false });
    expect((await getRun(stack, run)).payload).toEqual({ order: 1 });

    const third = await ok<WorkflowRun>(stack, "POST", path(second, "retry"), { step_payloads: { c: { last: true } } });
    await reaches(stack, third, "failed");
    expect(calls("b")[2]).toMatchObject({ order: 9, ok: false });
  });

  test("with another payload under the same key is a conflict", async () => {
    const { run } = await failedRun();
    const headers = { "Idempotency-Key": "edited" };
    const asked = (body: object) => stack.request<WorkflowRun>("POST", path(run, "retry"), body, { headers });
    const first = await asked({ payload: { order: 2 } });
    expect((await asked({ payload: { order: 2 } })).body.id).toBe(first.body.id);
    refused(await asked({ payload: { order: 3 } }), 409, "conflict", "idempotency key was used with another body");
  });
});

test("a payload that no step would be given, or is none, is refused by name and changes nothing", async () => {
  const { run, calls } = await failedRun();
  const deep = JSON.parse(`${"[".repeat(70)}${"]".repeat(70)}`) as unknown;
  for (const verb of ["retry", "steps/b/retry", "steps/b/replay-subtree"]) {
    for (const [body, error, detail] of [
      [{ step_payloads: { nope: 1 } }, 'step_payloads: unknown step_ref "nope"', /^step_payloads: /],
      [{ step_payloads: { a: 1 } }, 'step_payloads: step "a" is completed and is not run again', /^step_payloads: /],
      [{ step_payloads: [] }, "invalid request body", /^step_payloads: must be an object/],
      [{ step_payloads: { b: deep } }, "validation failed", /^step_payloads.b: nests deeper/],
      [
        { step_payloads: { b: ["{{outputs.c.x}}"] } },
        "validation failed",
        /^step_payloads.b\[0\]: "outputs.c.x": step "c"/,
      ],
      [{ step_payloads: { c: "{{outputs.d}}" } }, "validation failed", /^step_payloads.c: .* unknown step "d"/],
      [{ step_payloads: { b: { x: "{{a b}}" } } }, "validation failed", /^step_payloads.b.x: {{a b is not a reference/],
      [{ step_payload: {} }, "invalid request body", /^step_payload: unknown field/],
      ["{", "invalid request body", /^body: /],
    ] as const) {
      for (const query of ["", "?dryRun=true"]) {
        const { details } = refused(await post(run, verb + query, body), 400, "validation_error", error);
        expect(details).toEqual([expect.stringMatching(detail)]);
      }
    }
  }
  expect(await getRun(stack, run)).toEqual(run);
  expect(calls("b")).toHaveLength(1);
});
