import { expect, test } from "vitest";
import { record, startRecording } from "./recording.ts";
import { startStack } from "../stack/harness.ts";
import { startOwnTemporal } from "../stack/own-servers.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

const { stack, on, ends, does } = await startRecording();

test("a run that continues as new", async () => {
  const temporal = await startOwnTemporal(["limit.historyCount.suggestContinueAsNew=12"]);
  const long = await startStack({ servers: temporal });
  const scenario = scenarioOn(long);
  const run = await scenario.start([
    { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 2 },
    ...["a", "b", "c"].map((step_ref, i, refs) => ({
      ...{ step_ref, calls: `/${step_ref}` },
      depends_on: refs.slice(Math.max(0, i - 1), i),
    })),
    GATE,
    { step_ref: "last", calls: "/last", depends_on: ["nap", "c", "gate"] },
  ]);
  await scenario.opens(run, "gate");
  await scenario.opens(run, "nap", "completed");
  expect(await scenario.steer(run, "approve", "gate")).toMatchObject({ status: 200 });
  expect(await scenario.ends(run)).toMatchObject({ status: "completed" });
  await record(long.deps, run, "continued-as-new");
  await long.stop();
  await temporal.remove();
});

test("a wide fan-out under a limit, and steps that end in every way", async () => {
  stack.jobs.on("/wide", (_, nth) => ({ status: nth % 7 === 0 ? 422 : 200, body: { nth } }));
  const wide = Array.from({ length: 60 }, (_, i) => ({
    ...{ step_ref: `wide-${i}`, calls: "/wide", on_failure: "continue", depends_on: ["first"] },
  }));
  const run = await on.start([{ step_ref: "first", calls: "/first" }, ...wide], {}, { max_parallel_steps: 7 });
  await ends(run, "completed", "wide-fan-out");
});

test("a long chain of quick steps", async () => {
  const chain = Array.from({ length: 200 }, (_, i) => ({
    ...{ step_ref: `link-${i}`, calls: "/link", depends_on: i === 0 ? [] : [`link-${i - 1}`] },
  }));
  await ends(await on.start(chain), "completed", "long-chain");
});

test("waits that expire, and a sleep", async () => {
  const run = await on.start([
    { ...GATE, approval_timeout_secs: 1, on_failure: "continue" },
    {
      step_ref: "event",
      step_type: "wait_for_event",
      event_key: "late",
      event_timeout_secs: 1,
      on_failure: "continue",
    },
    { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1, depends_on: ["gate", "event"] },
  ]);
  await ends(run, "completed", "expired-waits");
});

test("many commands, also stale and repeated ones", async () => {
  const run = await on.start([GATE, { ...GATE, step_ref: "other" }]);
  await on.opens(run, "gate");
  for (let n = 0; n < 40; n++) {
    const headers = { "idempotency-key": `command-${n % 30}` };
    await Promise.all([
      on.steer(run, n % 2 === 0 ? "pause" : "resume", undefined, undefined, { headers }),
      on.steer(run, "skip", "nowhere"),
    ]);
  }
  await on.steer(run, "resume");
  await does(run, "approve", "gate");
  await does(run, "force-complete", "other", { result: { by: "hand" } });
  await ends(run, "completed", "many-commands");
});

test("outputs and a definition that travel by reference and packed", async () => {
  stack.jobs.on("/large", () => ({ body: { large: "x".repeat(500_000) } }));
  const large = Array.from({ length: 8 }, (_, i) => ({
    ...{ step_ref: `large-${i}`, calls: "/large", depends_on: i === 0 ? [] : [`large-${i - 1}`] },
  }));
  const many = Array.from({ length: 700 }, (_, i) => ({
    ...GATE,
    step_ref: `gate-${i}`,
    depends_on: ["large-7", "never"],
  }));
  const never = { step_ref: "never", step_type: "wait_for_event", event_key: "never" };
  const run = await on.start([...large, never, ...many]);
  await on.opens(run, "large-7", "completed");
  await on.cancel(run);
  await ends(run, "canceled", "large-payloads");
});

test("more at once than begins in one workflow task", async () => {
  const naps = Array.from({ length: 520 }, (_, i) => ({
    step_ref: `nap-${i}`,
    step_type: "sleep",
    sleep_duration_secs: 3,
  }));
  await ends(await on.start(naps), "completed", "many-timers");
});

test("a run that continues as new as soon as it rests", async () => {
  const temporal = await startOwnTemporal(["limit.historyCount.suggestContinueAsNew=20"]);
  const long = await startStack({ servers: temporal });
  const scenario = scenarioOn(long);
  long.jobs.on("/link", () => new Promise((resolve) => setTimeout(resolve, 20, { status: 200 })));
  const chain = Array.from({ length: 150 }, (_, i) => ({
    ...{ step_ref: `link-${i}`, calls: "/link", depends_on: i === 0 ? [] : [`link-${i - 1}`] },
  }));
  const run = await scenario.start(chain);
  expect(await scenario.ends(run)).toMatchObject({ status: "completed" });
  await record(long.deps, run, "chain-continued-as-new");
  await long.stop();
  await temporal.remove();
});

test("a bulk operation, paused and resumed", async () => {
  const runs = await Promise.all([1, 2, 3, 4, 5].map(() => on.start([GATE])));
  const body = { operation: "cancel", ids: runs.map(({ id }) => id), max_per_second: 2 };
  const operation = (await stack.request<{ id: string }>("POST", "/v1/bulk-operations", body)).body;
  const path = `/v1/bulk-operations/${operation.id}`;
  await stack.request("POST", `${path}/pause`);
  await stack.request("POST", `${path}/resume`);
  await until(async () => (await stack.request<{ finished_at?: string }>("GET", path)).body.finished_at);
  await record(stack.deps, operation, "bulk-operation");
});
