import { describe, expect, test } from "vitest";
import { given, type Story } from "../given.ts";
import { approval, child, job, planWith, type Step } from "../plans.ts";

const OLD = [job("a"), approval("gate", ["a"]), job("b", ["gate"]), job("c", ["b"])];
/** "a" has completed, the gate was approved, and "b" has failed the run. */
const passed = () => given(OLD).completes("a").does("approve", "gate").fails("b");
/** "a" has failed, and the gate behind it has not opened. */
const closed = (gate: Partial<Step> = {}) =>
  given([
    job("x"),
    job("a", [], { on_failure: "skip_dependents" }),
    approval("gate", ["x"], gate),
    job("b", ["gate"]),
  ]).fails("a");

const retries = (story: Story, ref: string, steps: Step[], sender: { actor: string; may_override?: boolean }) =>
  story.command("retry", ref, {
    may_override: false,
    ...sender,
    in_version: {
      ...{ workflow_name: "release train", workflow_version: 2, workflow_version_id: "ver_2" },
      steps: planWith(steps).steps.map((step) => ({ ...step, id: `${step.id.slice(0, -4)}9999` })),
    },
  });
const refused = { status: "refused", code: "forbidden" };
const applied = { status: "applied" };
const changed = (steps: Step[], ref: string, more: Partial<Step>) =>
  steps.map((step) => (step.step_ref === ref ? { ...step, ...more } : step));

describe("who is no approver of a gate that was passed does not, by another version,", () => {
  const others: [string, Step[]][] = [
    ["give what runs behind it another payload", changed(OLD, "b", { payload: { json: '{"x":1}' } as never })],
    ["nor another job", changed(OLD, "b", { job_id: "019571a0-0000-7000-8000-0000000000dd" })],
    ["nor what has not begun", changed(OLD, "c", { retry_max_attempts: 9 })],
    ["cut it off", changed(OLD, "b", { depends_on: ["a"] })],
    ["have more run behind it", [...OLD, job("n", ["gate"])]],
  ];
  test.each(others)("%s", (_, steps) => {
    expect(retries(passed(), "b", steps, { actor: "eve" })).toMatchObject(refused);
    expect(retries(passed(), "b", steps, { actor: "bob" })).toMatchObject(applied);
    expect(retries(passed(), "b", steps, { actor: "eve", may_override: true })).toMatchObject(applied);
  });

  test("but repeats what is the same there, with what the gate does not stand for", () => {
    const before = changed(OLD, "a", { retry_max_attempts: 9 });
    expect(retries(passed(), "b", [job("n"), ...before], { actor: "eve" })).toMatchObject(applied);
  });
});

describe("of a gate that has not been passed, who is no approver of it", () => {
  const steps = (gate: Partial<Step> = {}) => [...closed(gate).run.plan.steps];
  test("changes neither it nor what it holds back from running", () => {
    for (const more of [
      { approval_approvers: ["eve"] },
      { approval_timeout_secs: 1, approval_on_timeout: "approve" as const },
    ])
      expect(retries(closed(), "a", changed(steps(), "gate", more), { actor: "eve" })).toMatchObject(refused);
    const free = changed(steps(), "b", { depends_on: [] });
    expect(retries(closed(), "a", free, { actor: "eve" })).toMatchObject(refused);
    expect(retries(closed(), "a", free, { actor: "bob" })).toMatchObject(applied);
  });

  test("changes what is still to be approved", () => {
    const other = changed(steps(), "b", { retry_max_attempts: 9 });
    expect(retries(closed(), "a", other, { actor: "eve" })).toMatchObject(applied);
  });

  test("nor makes its condition turn out otherwise", () => {
    const condition = { type: "eq", left: { ref: "outputs.m.n" }, right: 1 } as never;
    const own = [
      ...[job("x"), job("a", [], { on_failure: "skip_dependents" }), job("m", ["x"])],
      approval("gate", ["m"], { condition }),
    ];
    const story = () => given(own).fails("a");
    const other = changed(own, "m", { retry_max_attempts: 9 });
    expect(retries(story(), "a", other, { actor: "eve" })).toMatchObject(refused);
    expect(retries(story(), "a", other, { actor: "bob" })).toMatchObject(applied);
    expect(retries(story(), "a", own, { actor: "eve" })).toMatchObject(applied);
  });
});

test("who is excluded from a gate does not move the run past it, whatever rights they have", () => {
  const steps = changed(OLD, "gate", { approval_exclude: ["created_by"], approval_approvers: ["ada", "bob"] });
  const story = given(steps, { created_by: "bob" }).completes("a").does("approve", "gate").fails("b");
  const next = changed(steps, "b", { retry_max_attempts: 9 });
  expect(retries(story, "b", next, { actor: "bob", may_override: true })).toMatchObject(refused);
});

test("a sub-workflow with approvals in it is such a gate", () => {
  const steps = [child("s", [], { gates_within: [["bob"]] }), job("b", ["s"])];
  const story = () => given(steps).completes("s").fails("b");
  const next = changed(steps, "b", { retry_max_attempts: 9 });
  expect(retries(story(), "b", next, { actor: "eve" })).toMatchObject(refused);
  expect(retries(story(), "b", next, { actor: "bob" })).toMatchObject(applied);
});
