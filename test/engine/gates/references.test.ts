import { expect, test } from "vitest";
import { given } from "../given.ts";
import { approval, child, job, planWith } from "../plans.ts";

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
