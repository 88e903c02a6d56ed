import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { BulkOperation } from "../../../src/contract/bulk/operations.ts";
import { temporalBehind } from "../../stack/guarded-temporal.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
let on: Scenario;
let way: Awaited<ReturnType<typeof temporalBehind>>;
beforeAll(async () => {
  way = await temporalBehind(inject("servers").temporalAddress, async ({ ":path": path = "" }) => {
    if (COMMANDS.test(String(path))) await passes();
    return true;
  });
  stack = await startStack({ servers: { temporalAddress: way.address } });
  on = scenarioOn(stack);
});
afterAll(async () => {
  await stack.stop();
  way.close();
});

/** What a cancellation asks before it is sent counts as well. */
const COMMANDS = /SignalWorkflowExecution$|DescribeWorkflowExecution$/;

/** Lets commands on to Temporal; while some are held back, when they are released. */
let passes = async () => {};

/** Resolves once so many commands are on their way to Temporal. Then they are released: so many of them in all. */
function heldBack(commands: number): Promise<(upTo: number) => void> {
  return new Promise((resolve) => {
    const held: (() => void)[] = [];
    const release = (upTo: number) => {
      passes = async () => {};
      for (const pass of held.slice(0, upTo)) pass();
    };
    passes = () =>
      new Promise((pass) => {
        if (held.push(pass) === commands) resolve(release);
      });
  });
}

interface Command {
  method: string;
  path: string;
  body?: object;
}
interface Begun {
  command: Command;
  /** Of the workflow that it is sent to. */
  id: string;
  status: () => Promise<string>;
}

/** Each of them ends what it is sent to: of those that are sent with it, the first finds it open and the others closed. */
const endings: Record<string, () => Promise<Begun>> = {
  "an approval": () => atLastStep(GATE, (path) => ({ method: "POST", path: `${path}/steps/last/approve`, body: {} })),
  "a rejection": () => atLastStep(GATE, (path) => ({ method: "POST", path: `${path}/steps/last/reject`, body: {} })),
  "a skip": () => atLastStep(GATE, (path) => ({ method: "POST", path: `${path}/steps/last/skip`, body: {} })),
  "a cancellation": () => atLastStep(GATE, (path) => ({ method: "DELETE", path })),
  "an event": async () => {
    const event_key = uuid();
    return atLastStep({ step_type: "wait_for_event", event_key }, () => ({
      method: "POST",
      path: `/v1/events/${event_key}/send`,
      body: { payload: 1 },
    }));
  },
  "an event's cancellation": async () => {
    const event_key = uuid();
    return atLastStep({ step_type: "wait_for_event", event_key }, () => ({
      method: "DELETE",
      path: `/v1/events/${event_key}`,
    }));
  },
  "a bulk operation's abort": async () => {
    const run = await on.start([{ step_ref: "last", ...GATE }]);
    const path = "/v1/bulk-operations";
    const made = await stack.request<BulkOperation>("POST", path, {
      operation: "pause",
      ids: [run.id, uuid()],
      max_per_second: 1,
    });
    const { id } = made.body;
    const one = `${path}/${id}`;
    return {
      id,
      command: { method: "POST", path: `${one}/abort`, body: {} },
      status: async () => (await stack.request<BulkOperation>("GET", one)).body.status,
    };
  },
};

const GATE = { step_type: "approval", approval_approvers: ["ada"] };

async function atLastStep(step: object, commandOf: (path: string) => Command): Promise<Begun> {
  const run = await on.start([{ step_ref: "last", ...step }]);
  await on.opens(run, "last");
  const { id } = run;
  return { id, command: commandOf(`/v1/workflow-runs/${id}`), status: async () => (await on.run(run)).status };
}

test.for(Object.entries(endings))("%s that is sent again before it is answered has one outcome", async ([, begin]) => {
  const { command, id, status } = await begin();
  const { method, path, body } = command;
  const headers = { "idempotency-key": uuid() };
  const send = () => stack.request(method, path, body, { headers });
  const several = heldBack(3);
  const answers = [send(), send(), send()];
  const release = await several;
  release(1);
  await until(async () => (await stack.deps.temporal.workflow.getHandle(id).describe()).status.name !== "RUNNING");
  const ended = await status();
  release(3);
  const all = [...(await Promise.all(answers)), await send()];
  expect(all.map((one) => one.status)).toEqual([200, 200, 200, 200]);
  expect(await status()).toBe(ended);
});
