import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { findWaitingEventTrigger } from "../../src/store/event-triggers.ts";
import { createJob, createWorkflow, gate, getSteps, ok, reaches, runOf, wait, work } from "../api/definitions.ts";
import { fresh } from "./job-drafts.ts";
import { each, REFUSED, STRANGE } from "./text.ts";
import { refused } from "../api/shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let workflow: { id: string };
beforeAll(async () => {
  stack = await startStack();
  workflow = await createWorkflow(stack, [gate("gate")]);
});
afterAll(() => stack.stop());

describe("any JSON document", () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  const documents = [
    ...[...STRANGE, ...REFUSED].map((text) => JSON.stringify(text)),
    ...['{"__proto__":{"admin":true},"constructor":1}', '{"__proto__":[12345678901234567890]}', '{"":{"":null}}'],
    ...["null", "[null,[]]", "false", "0", "-12345678901234567890", "0.1", "1e+300", "[]", '["a","a"]', nested(150)],
    JSON.stringify({ a: "y".repeat(500_000) }),
    JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i)),
  ];
  const values = documents.filter((document) => document !== "null");
  /** As text: a parser of our own would forgive too much. */
  const textOf = async (method: string, path: string, body?: string) => {
    const headers = { authorization: `Bearer ${stack.token()}` };
    const answer = await fetch(stack.apiUrl + path, { method, headers, body });
    const text = await answer.text();
    expect(answer.status, `${method} ${path}: ${body?.slice(0, 60)}: ${text.slice(0, 200)}`).toBeLessThan(300);
    return text;
  };
  const idIn = (text: string) => /"id":"([^"]+)"/.exec(text)?.[1];

  test("as a run's payload reads back unchanged", async () => {
    await each(values, async (document) => {
      const run = await textOf("POST", `/v1/workflows/${workflow.id}/trigger`, `{"payload":${document}}`);
      expect(await textOf("GET", `/v1/workflow-runs/${idIn(run)}`)).toContain(`"payload":${document},`);
    });
  });

  test("as a step's payload reads back unchanged", async () => {
    const { id } = await createJob(stack, "/payload");
    await each(values, async (document) => {
      const rest = `"name":"n","slug":"${fresh()}"`;
      // Placeholders are looked for in it: that has a depth of its own.
      if (document.startsWith("[[[")) return;
      const step = `{"step_ref":"a","job_id":"${id}","payload":${document}}`;
      const workflow = await textOf("POST", "/v1/workflows", `{${rest},"steps":[${step}]}`);
      expect(await textOf("GET", `/v1/workflows/${idIn(workflow)}`)).toContain(`"payload":${document},`);
    });
  });

  test("as a forced result reads back unchanged", async () => {
    const gates = documents.map((_, i) => gate(`gate-${i}`));
    const { id } = await runOf(stack, gates);
    await each(documents.entries(), async ([i, document]) => {
      const path = `/v1/workflow-runs/${id}/steps/gate-${i}/force-complete`;
      const output = document === "null" ? "" : `"output":${document},`;
      expect(await textOf("POST", path, `{"result":${document}}`)).toContain(output);
    });
    const all = await textOf("GET", `/v1/workflow-runs/${id}/steps`);
    for (const document of values) expect(all).toContain(`"output":${document},`);
  });

  test("as an event's payload reads back unchanged", async () => {
    const waits = values.map((_, i) => wait(`wait-${i}`, `event-${i}`));
    const { id } = await runOf(stack, waits);
    await each(values.entries(), async ([i, document]) => {
      await until(() => findWaitingEventTrigger(stack.deps.db, "demo", `event-${i}`));
      const sent = await textOf("POST", `/v1/events/event-${i}/send`, `{"payload":${document}}`);
      expect(sent).toContain(`"response_payload":${document}`);
    });
    const all = await textOf("GET", `/v1/workflow-runs/${id}/steps`);
    for (const document of values) expect(all).toContain(`"output":${document},`);
  });

  test.each(["1e400", "-1e999", `1${"0".repeat(400)}.5`])("that no double can hold is refused: %s", async (number) => {
    const answer = await stack.request("POST", `/v1/workflows/${workflow.id}/trigger`, `{"payload":[${number}]}`);
    refused(answer, 400, "validation_error", "invalid request body");
    expect(answer.body).toMatchObject({ details: ["body: a number beyond what a double can hold"] });
  });
});

test("steps named as members of every object run like any other", async () => {
  const refs = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const job = await createJob(stack, "/named");
  stack.jobs.on("/named", (_call, nth) => ({ body: { said: nth } }));
  const steps = refs.map((ref, i) =>
    work(ref, job, {
      depends_on: refs.slice(Math.max(i - 1, 0), i),
      payload: i === 0 ? {} : { before: `{{parent_outputs.${refs[i - 1]}.said}}` },
    }),
  );
  const run = await reaches(stack, await runOf(stack, steps), "completed");
  const bodies = stack.jobs.callsTo("/named").map(({ text }) => text);
  expect(bodies.slice(1)).toEqual([1, 2, 3].map((said) => expect.stringContaining(`"before":${said}`)));

  const body = '{"step_overrides":{"__proto__":false}}';
  const without = await ok<WorkflowRun>(stack, "POST", `/v1/workflows/${run.workflow_id}/trigger`, body);
  expect((await getSteps(stack, without)).map(({ step_ref }) => step_ref)).toEqual(refs.slice(1));
});
