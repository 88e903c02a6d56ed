import { describe, expect, test } from "vitest";
import { given, text } from "../given.ts";
import { approval, child, job, planWith, type Step, wait } from "../plans.ts";
import { gatesWithin } from "../../../workflows/engine/gates/may-turn-out.ts";
import { RULES } from "../../../workflows/engine/plan.ts";
import { previewOf } from "../../../workflows/engine/preview.ts";

const gate = { approval_approvers: ["{{payload.manager}}", "ada"] };
const run = () => given([job("a"), approval("gate", ["a"], gate), job("after", ["gate"])]);
const opened = (approvers: string[]) => run().completes("a").news("gate", { type: "gate_opened", approvers });

test("before a gate has opened, nobody is known as its approver by a reference", () => {
  const unopened = run();
  expect(unopened.command("skip", "gate", { actor: "bob" }).code).toBe("forbidden");
  expect(unopened.command("skip", "gate", { actor: "{{payload.manager}}" }).code).toBe("forbidden");
  expect(run().command("skip", "gate", { actor: "ada" }).status).toBe("applied");
  const opening = run().completes("a");
  expect(opening.work("gate")).toEqual(["open-gate"]);
  expect(opening.step("gate").started_at).toBeUndefined();
  expect(opening.command("approve", "gate", { actor: "ada" }).message).toBe("approval not found for step gate");
  expect(opening.command("skip", "gate", { actor: "bob" }).code).toBe("forbidden");
});

test("once it has opened, those it led to decide it, and may pass it", () => {
  expect(opened(["bob", "ada"]).command("approve", "gate", { actor: "eve" }).code).toBe("approver_not_allowed");
  expect(opened(["bob", "ada"]).command("approve", "gate", { actor: "bob" }).status).toBe("applied");
  expect(opened(["bob", "ada"]).command("skip", "after", { actor: "bob" }).status).toBe("applied");
  expect(opened(["group:ops", "ada"]).command("approve", "gate", { actor: "x", groups: ["ops"] }).status).toBe(
    "applied",
  );
  expect(opened(["bob", "ada"]).approval("gate")?.approvers).toEqual(["bob", "ada"]);
});

test("its time begins when it opens, and a gate that can't be rendered fails its step", () => {
  const timed = given([approval("gate", [], { ...gate, approval_timeout_secs: 60 })]).later(100);
  expect(timed.step("gate").status).toBe("waiting");
  timed.news("gate", { type: "gate_opened", approvers: ["bob"] }).later(59);
  expect(timed.step("gate").status).toBe("waiting");
  expect(timed.later(1).step("gate")).toMatchObject({ status: "failed", error: "approval timed out" });
  const refused = run().completes("a").news("gate", { type: "wait_refused", error: "payload.manager has no value" });
  expect(refused.step("gate")).toMatchObject({ status: "failed", error: "payload.manager has no value" });
});

test("a gate that was reset asks those whom its references lead to then", () => {
  const again = opened(["bob"]).does("approve", "gate", { actor: "bob" }).does("retry", "gate", { may_override: true });
  expect(again.approval("gate")).toBeUndefined();
  again.news("gate", { type: "gate_opened", approvers: ["cleo"] });
  expect(again.command("approve", "gate", { actor: "bob" }).code).toBe("approver_not_allowed");
  expect(again.command("approve", "gate", { actor: "cleo" }).status).toBe("applied");
});

test("in a version that asks others, those whom its references had led to have no right to it any more", () => {
  const steps = (approvers: string[]) => [
    approval("gate", [], { approval_approvers: approvers }),
    job("after", ["gate"]),
  ];
  const rejected = () =>
    given(steps(["{{payload.manager}}"]))
      .news("gate", { type: "gate_opened", approvers: ["bob"] })
      .does("reject", "gate", { actor: "bob" });
  const version = (approvers: string[]) => ({
    ...{ workflow_name: "w", workflow_version: 2, workflow_version_id: "ver_2" },
    steps: planWith(steps(approvers)).steps,
  });
  const retry = (approvers: string[]) =>
    rejected().command("retry", "gate", { actor: "bob", in_version: version(approvers) });
  expect(retry(["{{payload.manager}}"]).status).toBe("applied");
  expect(retry(["cleo"]).code).toBe("forbidden");
});

test("the approvals of a sub-workflow are nobody's by a reference", () => {
  const run = () => given([job("a"), child("sub", ["a"], { gates_within: [["{{payload.boss}}", "ada"]] })]);
  for (const actor of ["bob", "{{payload.boss}}"])
    expect(run().command("skip", "sub", { actor }).code).toBe("forbidden");
  expect(run().command("skip", "sub", { actor: "ada" }).status).toBe("applied");
});

describe("who is no approver does not come to be one", () => {
  const eve = { actor: "eve", may_override: false };
  const named = { approval_approvers: ["{{payload.manager}}"] };
  const byOutput = { approval_approvers: ["{{outputs.a.manager}}"] };
  const failed = () => given([job("a"), approval("gate", ["a"], named)]).fails("a");

  test.each(["retry", "replay-subtree"] as const)("by another payload of a %s", (verb) => {
    expect(failed().command(verb, "a", { ...eve, payload: text(1) }).code).toBe("forbidden");
    expect(failed().command(verb, "a", eve).status).toBe("applied");
    expect(failed().command(verb, "a", { ...eve, may_override: true, payload: text(1) }).status).toBe("applied");
  });

  test.each(["{{run-lead}}", "{{ run:lead }}", "{{runé}}", "{{run$.x}}"])("by another payload's %s", (who) => {
    const retried = (approver: string, rules = RULES) =>
      given([job("a"), approval("gate", ["a"], { approval_approvers: [approver] })], { rules })
        .fails("a")
        .command("retry", "a", { ...eve, payload: text(1) });
    expect(retried(who).code).toBe("forbidden");
    expect(retried(who, 7).status).toBe("applied");
    for (const own of ["{{run.created_by}}", "{{ run.created_by }}"]) expect(retried(own).status).toBe("applied");
  });

  const goesOn = { approval_approvers: ["ada"], on_failure: "continue" as const };
  const shown = (what: string) => ({ ...goesOn, approval_links: [{ url: `https://example.com/${what}` }] });
  test.each<[Step, boolean]>([
    [approval("gate", ["a"], { ...goesOn, approval_title: "{{payload.title}}" }), true],
    [approval("gate", ["a"], { ...goesOn, approval_payload: text({ deep: ["{{title}}"] }) }), true],
    [approval("gate", ["a"], { ...goesOn, approval_payload: { ref: "large" } }), true],
    [approval("gate", ["a"], shown("{{title}}")), true],
    [approval("gate", ["a"], { ...shown("{{title}}"), on_failure: "fail_workflow" }), false],
    [approval("gate", ["a"], shown("{{run.id}}")), false],
    [child("gate", ["a"], { gates_within: [["ada"]], on_failure: "continue" }), true],
    [child("gate", ["a"], { gates_within: [{ approvers: ["ada"], may_pass: true }] }), true],
    [child("gate", ["a"], { gates_within: [["ada"]] }), false],
  ])("nor passes a gate by a payload that it can't ask by: case %#", (gate, isRefused) => {
    const retried = (rules: number, more: object = {}) =>
      given([job("a"), gate, job("after", ["gate"])], { rules })
        .fails("a")
        .command("retry", "a", { ...eve, payload: text(1), ...more });
    expect(retried(RULES).code).toBe(isRefused ? "forbidden" : undefined);
    expect(retried(RULES, { actor: "ada" }).status).toBe("applied");
    expect(retried(7).status).toBe("applied");
  });

  test("nor by the output of a step that it shows", () => {
    const run = (what: string) => given([wait("a"), approval("gate", ["a"], shown(what)), job("after", ["gate"])]);
    expect(run("{{outputs.a.id}}").command("force-complete", "a", eve).code).toBe("forbidden");
    expect(run("{{payload.id}}").command("force-complete", "a", eve).status).toBe("applied");
  });

  test("of the gates of a workflow, those that may be passed in it are known where it is run", () => {
    const never = { condition: { type: "eq", left: 1, right: 2 } };
    const steps = [
      job("a", [], never),
      job("b", [], { ...never, on_skip: "skip_dependents" }),
      approval("plain", ["a"], { approval_approvers: ["ada"] }),
      approval("asks", [], { approval_approvers: ["ben"], ...never }),
      approval("behind", ["b"], { approval_approvers: ["cleo"], approvals_required: 1 }),
      approval("unshown", [], { ...shown("{{title}}"), approval_approvers: ["dan"] }),
      child("sub", [], { gates_within: [["eve"], { approvers: ["fay"], may_pass: true }] }),
    ];
    const may_pass = true;
    expect(gatesWithin(planWith(steps).steps)).toMatchObject([
      ["ada"],
      { approvers: ["ben"], may_pass },
      { approvers: ["cleo"], may_pass },
      { approvers: ["dan"], may_pass },
      { approvers: ["eve"], may_pass },
      { approvers: ["fay"], may_pass },
    ]);
  });

  test("by a payload of a new run that goes on with what was kept", () => {
    const { plan, run, now } = failed();
    const retry = (more: object) => previewOf(plan, run.state, { verb: "retry-run", ...eve, ...more }, now);
    expect(retry({ payload: text(1) })).toMatchObject({ status: "refused", code: "forbidden" });
    expect(retry({})).not.toMatchObject({ status: "refused" });
  });

  test("by the output of a step that says who it is", () => {
    const run = () => given([wait("a"), wait("b", ["a"]), approval("gate", ["b"], byOutput)]);
    for (const verb of ["skip", "force-complete"] as const)
      expect(run().command(verb, "a", eve).code).toBe("forbidden");
    const again = given([job("a"), approval("gate", ["a"], byOutput)]).fails("a");
    expect(again.command("retry", "a", { ...eve, step_payloads: { a: text(1) } }).code).toBe("forbidden");
  });

  test("by a payload that is given elsewhere, before the gate is asked again", () => {
    const run = given([job("a"), job("side"), approval("gate", ["a"], named), job("after", ["gate"])]).completes("a");
    run.news("gate", { type: "gate_opened", approvers: ["bob"] }).does("approve", "gate", { actor: "bob" });
    run.completes("after").fails("side");
    expect(run.command("retry", "side", { ...eve, payload: text(1) }).code).toBe("forbidden");
  });

  test("by what a sub-workflow is given", () => {
    const sub = child("sub", ["a"], { gates_within: [["{{payload.boss}}"]] });
    expect(given([wait("a"), sub]).command("force-complete", "a", eve).code).toBe("forbidden");
    const run = given([job("a"), sub]).fails("a");
    expect(run.command("retry", "a", { ...eve, step_payloads: { sub: text(1) } }).code).toBe("forbidden");
  });

  test("and what says nothing of it stays everybody's", () => {
    const run = () => given([wait("a"), approval("gate", ["a"], named)]);
    for (const verb of ["skip", "force-complete"] as const)
      expect(run().command(verb, "a", eve).status).toBe("applied");
  });
});
