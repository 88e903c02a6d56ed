import { describe, expect, test } from "vitest";
import { given, text } from "../given.ts";
import { approval, child, job, type Step } from "../plans.ts";

const root = { actor: "root", may_override: true };
const second = { approval_approvers: ["root", "eve"], approval_exclude: ["previous_approvers" as const] };
const refusedAs = (why: string) => ({ code: "approver_not_allowed", message: expect.stringContaining(why) });
const hasApproved = refusedAs("they approved another gate of the run");
const hasStarted = refusedAs("they started the run");

describe("who lets a run pass a gate has approved it", () => {
  const run = () =>
    given([job("a"), approval("first", ["a"]), job("between", ["first"]), approval("second", ["between"], second)]);

  test.each(["skip", "force-complete"] as const)("by %s of it, open or not yet", (verb) => {
    for (const at of [run(), run().completes("a")]) {
      at.does(verb, "first", root);
      if (at.step("a").status === "running") at.completes("a");
      at.completes("between");
      expect(at.command("approve", "second", { actor: "root" })).toMatchObject(hasApproved);
      expect(at.command("skip", "second", root).code).toBe("forbidden");
      expect(at.command("approve", "second", { actor: "eve" }).status).toBe("applied");
    }
  });

  test("by skipping what it holds back", () => {
    const at = run().completes("a").does("skip", "between", root).does("approve", "first", { actor: "ada" });
    expect(at.command("approve", "second", { actor: "root" })).toMatchObject(hasApproved);
  });

  test("by skipping a sub-workflow that holds it", () => {
    const at = given([job("a"), child("sub", ["a"], { gates_within: [["ada"]] }), approval("second", ["sub"], second)]);
    at.does("skip", "sub", root).completes("a");
    expect(at.command("approve", "second", { actor: "root" })).toMatchObject(hasApproved);
  });

  test("by starting it without the gate", () => {
    const involved = { passed: [{ step_ref: "first", by: "root" }] };
    const at = given([approval("second", [], second)], { involved });
    expect(at.command("approve", "second", { actor: "root" })).toMatchObject(hasApproved);
  });

  test("but may decide that gate itself, when it asks again", () => {
    const at = given([approval("second", [], second)]).does("skip", "second", root);
    at.does("retry", "second", { actor: "boss", may_override: true });
    expect(at.command("approve", "second", { actor: "root" }).status).toBe("applied");
  });
});

describe("who has started a run", () => {
  const gate = { approval_approvers: ["eve", "ada"], approval_exclude: ["created_by" as const] };
  const failed = (header = {}) => given([job("a"), approval("gate", ["a"], gate)], header).fails("a");

  test.each(["retry", "replay-subtree"] as const)("is also who gives it a payload by a %s", (verb) => {
    for (const given of [{ payload: text(1) }, { step_payloads: { a: text(1) } }]) {
      const at = failed()
        .does(verb, "a", { actor: "eve", ...given })
        .completes("a");
      expect(at.command("approve", "gate", { actor: "eve" })).toMatchObject(hasStarted);
      expect(at.command("approve", "gate", { actor: "ada" }).status).toBe("applied");
    }
    const plain = failed().does(verb, "a", { actor: "eve" }).completes("a");
    expect(plain.command("approve", "gate", { actor: "eve" }).status).toBe("applied");
  });

  test("is everyone of a chain of retries", () => {
    const header = { created_by: "cleo", retried_by: "dan", involved: { started: ["eve"] } };
    const at = given([approval("gate", [], gate)], header);
    expect(at.command("approve", "gate", { actor: "eve" })).toMatchObject(hasStarted);
  });
});

describe("who is excluded from a gate", () => {
  const excludes = { approval_approvers: ["ada", "eve", "bob"], approval_exclude: ["previous_approvers" as const] };
  const eve = { actor: "eve", may_override: false };
  const run = (more: Partial<Step> = {}) =>
    given([
      approval("first", [], { approval_approvers: ["ada", "eve"] }),
      job("between", ["first"]),
      approval("second", ["between"], { ...excludes, ...more }),
      job("after", ["second"], { on_failure: "continue" }),
    ]);
  const decided = (verb: "approve" | "reject", more: Partial<Step> = {}) =>
    run(more).does("approve", "first", eve).completes("between").does(verb, "second", { actor: "bob" });

  test.each(["retry", "replay-subtree"] as const)("may %s it: it asks again, and excludes them again", (verb) => {
    for (const at of [decided("approve").completes("after"), decided("reject")]) {
      at.does(verb, "second", eve);
      expect(at.approval("second")?.status).toBe("pending");
      expect(at.command("approve", "second", eve)).toMatchObject(hasApproved);
      expect(at.command("skip", "second", eve).code).toBe("forbidden");
      at.does("approve", "second", { actor: "ada" });
    }
  });

  test.each<Partial<Step>>([
    { approval_timeout_secs: 60, approval_on_timeout: "approve" },
    { approval_timeout_secs: 60, approval_on_timeout: "skip" },
    { on_failure: "continue" },
    { condition: { type: "step_status", step_ref: "first", status: "completed" } },
  ])("may not where it could let go on what nobody decided: %o", (more) => {
    const at = decided("reject", more);
    const { message } = at.command("retry", "second", eve);
    expect(message).toBe("eve may not pass step second: they approved another gate of the run");
    expect(at.command("retry", "second", { actor: "ada", may_override: false }).status).toBe("applied");
  });

  test("may not repeat what it let pass, nor give it something else", () => {
    const at = decided("approve").fails("after");
    expect(at.command("replay-subtree", "after", eve).code).toBe("forbidden");
    expect(at.command("retry", "after", { ...eve, step_payloads: { after: text(1) } }).code).toBe("forbidden");
    expect(at.command("replay-subtree", "second", { ...eve, step_payloads: { after: text(1) } }).status).toBe(
      "applied",
    );
    expect(at.step("after").status).toBe("waiting");
  });

  test("by what started it may have it ask again only with a right to it", () => {
    const gate = { approval_approvers: ["bob"], approval_exclude: ["created_by" as const] };
    const at = given([approval("gate", [], gate), job("after", ["gate"])], { created_by: "eve" });
    at.does("reject", "gate", { actor: "bob" });
    expect(at.command("retry", "gate", eve).message).toContain("requires approvals:override");
    at.does("retry", "gate", { actor: "eve", may_override: true });
    expect(at.command("skip", "gate", { actor: "eve", may_override: true }).code).toBe("forbidden");
    expect(at.approval("gate")?.status).toBe("pending");
  });
});

describe("who has approved a gate", () => {
  const both = { approval_approvers: ["ada", "bob"], approval_exclude: ["previous_approvers" as const] };
  const ada = { actor: "ada", may_override: false };
  const run = (first: Partial<Step> = both) =>
    given([approval("first", [], first), job("between", ["first"]), approval("second", ["between"], both)]);

  test("may replay what it let pass, as nobody else's decision is passed by that", () => {
    const at = run().does("approve", "first", ada).completes("between");
    at.does("replay-subtree", "between", ada).does("replay-subtree", "first", ada);
    expect(at.approval("first")?.status).toBe("pending");
  });

  test("has approved it still when they take that back, as long as something that it let pass stays", () => {
    const at = run({ approval_approvers: ["ada"] })
      .does("approve", "first", ada)
      .completes("between");
    at.does("retry", "first", ada);
    expect(at.command("approve", "second", ada)).toMatchObject(hasApproved);
    at.does("approve", "first", ada).does("approve", "second", { actor: "bob" });
  });

  test("and not where all of that runs again", () => {
    const at = run().does("approve", "first", ada).completes("between").does("replay-subtree", "first", ada);
    at.does("approve", "first", { actor: "bob" }).completes("between").does("approve", "second", ada);
  });
});

describe("what a request does itself counts", () => {
  const eve = { actor: "eve", may_override: true };

  test("several gates are not passed by one, where each has to be by another", () => {
    const gates = [approval("first"), approval("second", ["first"], second), job("x", ["second"]), job("y", ["x"])];
    const at = given(gates);
    expect(at.command("skip", "x", eve).message).toContain("they approved another gate of the run");
    at.does("skip", "first", root).does("skip", "x", eve);
    expect(at.step("y").status).toBe("running");
  });

  test("nobody gives what no starter may approve another payload, once it is approved", () => {
    const at = given([approval("gate", [], { approval_exclude: ["created_by"] }), job("x", ["gate"])]);
    at.does("approve", "gate", { actor: "ada" }).fails("x");
    const given_ = { ...eve, step_payloads: { x: text("mine") } };
    expect(at.command("retry", "x", given_).message).toContain("they started the run");
    at.does("replay-subtree", "gate", given_);
    expect(at.command("approve", "gate", { ...eve, groups: [] }).code).toBe("approver_not_allowed");
  });
});

test("runs that began by rules 3 decide as they did", () => {
  const at = given([approval("second", [], second), job("x", ["second"])], { rules: 3 });
  at.does("approve", "second", { actor: "eve" });
  expect(at.command("replay-subtree", "second", { actor: "eve", may_override: false }).message).toBe(
    "eve may not pass step second: they approved another gate of the run",
  );
});
