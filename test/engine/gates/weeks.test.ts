import { expect, test } from "vitest";
import { given, type Story } from "../given.ts";
import { approval, BEGIN, job, type Step } from "../plans.ts";
import { mirroredState } from "../../../workflows/engine/mirror/stored-run.ts";
import { ownRows, runRow, stepRow } from "../../../workflows/engine/mirror/view.ts";
import { planOf } from "../../../workflows/engine/plan.ts";
import { carriedState, restoredRun } from "../../../workflows/engine/run.ts";
import { rfc3339 } from "../../../workflows/engine/time.ts";

const DAY = 86_400;
const inDays = (days: number) => rfc3339(BEGIN + days * DAY * 1000);
const at = (days: number) => BEGIN + days * DAY * 1000;
const gated = (more: Partial<Step>) => given([approval("gate", [], more), job("after", ["gate"])]);
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** As a continue-as-new carries it. */
function carried(run: Story): Story {
  run.run = restoredRun(planOf(run.plan.run, plain(run.plan.steps)), plain(carriedState(run.run.state)));
  return run;
}

test("over a year of weeks, through every continue-as-new, a gate keeps its times", () => {
  const run = gated({
    approval_timeout_secs: 300 * DAY,
    approval_remind_every_secs: 7 * DAY,
    approval_escalation: [{ after_secs: 100 * DAY, approvers: ["boss"] }],
  });
  for (let week = 0; week < 40; week++) carried(run.later(7 * DAY));
  expect(run.approval("gate")).toMatchObject({ reminders: 40, escalation_level: 1, escalated_at: at(100) });
  run.does("extend", "gate", { until: inDays(400), actor: "boss" });
  expect(carried(run).later(110 * DAY).statuses).toMatchObject({ gate: "waiting" });
  expect(run.later(10 * DAY).approval("gate")).toMatchObject({ status: "timed_out" });
});

test("what became of a gate comes back from its row, when nothing else is left of the run", () => {
  const run = gated({
    approvals_required: 2,
    approval_timeout_secs: 30 * DAY,
    approval_remind_every_secs: DAY,
    approval_escalation: [{ after_secs: DAY, approvers: ["boss"] }],
  }).later(2 * DAY);
  run.does("approve", "gate").does("extend", "gate", { until: inDays(60) });
  run.does("reassign", "gate", { actor: "root", may_override: true, approvers: ["ada", "cleo"] });
  run.does("approve", "gate", { actor: "cleo" });
  const before = run.approval("gate");
  run.fails("after");
  const rows = run.plan.steps.map((_, i) => stepRow(run.run, i));
  const approvals = run.plan.steps.flatMap((_, i) => ownRows(run.run, i).approval ?? []);
  const state = mirroredState(run.plan, plain(runRow(run.run)), plain(rows), [], plain(approvals));
  const again = restoredRun(run.plan, state);
  expect(plain(ownRows(again, 0).approval)).toEqual(plain({ ...before, revision: state.steps[0]?.revision }));
  expect(before).toMatchObject({ escalation_level: 1, reminders: 2, expires_at: at(60), votes: [{}, {}] });
});

test("a new attempt asks those of the definition again, with its whole time", () => {
  const run = gated({
    approval_timeout_secs: 30 * DAY,
    on_failure: "continue",
    approval_escalation: [{ after_secs: DAY, approvers: ["boss"] }],
  }).later(2 * DAY);
  run.does("reassign", "gate", { approvers: ["cleo"] }).does("extend", "gate", { until: inDays(90), actor: "cleo" });
  run.does("reject", "gate", { actor: "cleo" });
  run.does("retry", "gate", { actor: "root", may_override: true });
  const [left] = run.run.dirty.attempts;
  expect(left?.approval).toMatchObject({
    status: "rejected",
    votes: [{ actor: "cleo" }],
    reassignments: [{ approvers: ["cleo"] }],
    escalation_level: 1,
  });
  const { reassignments, extensions, escalation_level, ...gate } = run.approval("gate") ?? {};
  expect([reassignments, extensions, escalation_level]).toEqual([undefined, undefined, undefined]);
  expect(gate).toMatchObject({ approvers: ["ada", "bob"], expires_at: at(32), status: "pending" });
});
