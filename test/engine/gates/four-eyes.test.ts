import { describe, expect, test } from "vitest";
import { given, text } from "../given.ts";
import { approval, child, job } from "../plans.ts";

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
