import { expect, test } from "vitest";
import { given } from "../given.ts";
import { approval, job } from "../plans.ts";

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
