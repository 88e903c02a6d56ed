import { expect, test } from "vitest";
import { startRecording } from "./recording.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

const { stack, on, ends, does } = await startRecording();

test("a gate that shows something, for those whom the payload names, and its choice", async () => {
  const shows = { approval_title: "Ship {{payload.version}}?", approval_options: ["ship", "hold"] };
  const gate = { ...GATE, ...shows, approval_approvers: ["{{payload.boss}}"], approval_timeout_secs: 600 };
  const run = await on.start([gate, { step_ref: "c", calls: "/c", depends_on: ["gate"] }], {
    payload: { version: 1, boss: "ada" },
  });
  await on.opens(run, "gate");
  await does(run, "choose", "gate", { option: "ship" });
  await ends(run, "completed", "gate-that-shows");
});

test("a gate that is completed by force, with one of its options", async () => {
  const run = await on.start([
    { ...GATE, approval_options: ["ship", "hold"] },
    { step_ref: "c", calls: "/c", depends_on: ["gate"] },
  ]);
  await on.opens(run, "gate");
  expect(await on.steer(run, "force-complete", "gate", { result: { option: "no" } })).toMatchObject({ status: 400 });
  await does(run, "force-complete", "gate", { result: { option: "ship" } });
  await ends(run, "completed", "gate-completed-by-force");
});

test("a gate that escalates, is reassigned and extended", async () => {
  const run = await on.start([
    {
      ...GATE,
      ...{ approval_timeout_secs: 600, approval_on_timeout: "approve", approval_remind_every_secs: 60 },
      approval_escalation: [{ after_secs: 1, approvers: ["boss"] }],
    },
    { step_ref: "after", calls: "/after", depends_on: ["gate"] },
  ]);
  await on.opens(run, "gate");
  await does(run, "extend", "gate", { until: new Date(Date.now() + 900_000).toISOString() });
  await until(async () => {
    const { body } = await stack.request<{ escalation_level?: number }[]>(
      "GET",
      `/v1/approvals?workflow_run_id=${run.id}`,
    );
    return body[0]?.escalation_level === 1;
  });
  await does(run, "reassign", "gate", { approvers: ["ada", "bob"] });
  await does(run, "approve", "gate");
  await ends(run, "completed", "gate-over-time");
});

test("gates that want different people: asked again by who has decided them, and passed by nobody twice", async () => {
  const as = (sub: string, ...more: string[]) => ({
    token: stack.token({ sub, scopes: ["workflows:write", "approvals:decide", ...more] }),
  });
  const by = (...approval_approvers: string[]) => ({
    ...GATE,
    ...{ approval_approvers, approval_exclude: ["previous_approvers"] },
  });
  const run = await on.start([
    { ...by("ada", "bob"), step_ref: "first" },
    { step_ref: "between", calls: "/between", depends_on: ["first"] },
    { ...by("ada", "bob", "cleo"), step_ref: "second", depends_on: ["between"] },
    { step_ref: "after", calls: "/after", depends_on: ["second"] },
  ]);
  await on.opens(run, "first");
  expect(await on.steer(run, "skip", "after", undefined, as("root", "approvals:override"))).toMatchObject({
    status: 403,
    body: { error: "root may not pass step first: they approved another gate of the run" },
  });
  await does(run, "approve", "first", undefined, as("ada"));
  await on.opens(run, "second");
  await does(run, "replay-subtree", "between", undefined, as("ada"));
  // All that it let pass runs again.
  await does(run, "replay-subtree", "first", undefined, as("ada"));
  await does(run, "approve", "first", undefined, as("bob"));
  await on.opens(run, "second");
  // What it let pass stays.
  await does(run, "retry", "first", undefined, as("bob"));
  await on.opens(run, "first");
  expect(await on.steer(run, "approve", "second", undefined, as("bob"))).toMatchObject({ status: 400 });
  await does(run, "approve", "first", undefined, as("ada"));
  await does(run, "reject", "second", undefined, as("cleo"));
  await ends(run, "failed", "gates-taken-back");
  await does(run, "retry", "second", undefined, as("ada"));
  await on.opens(run, "second");
  expect(await on.steer(run, "approve", "second", undefined, as("ada"))).toMatchObject({ status: 400 });
  await does(run, "approve", "second", undefined, as("cleo"));
  await ends(run, "completed", "gates-asked-again");
});
