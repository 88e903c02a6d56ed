import { describe, expect, it, test } from "vitest";
import { given } from "../given.ts";
import { approval, job, type Step } from "../plans.ts";

const root = { actor: "root", may_override: true };
const gated = (more: Partial<Step> = {}, created_by = "starter") =>
  given([approval("gate", [], more), job("after", ["gate"])], { created_by });

describe("reassign", () => {
  it("makes others decide, says by whom and why, and those before can't any more, by no way", () => {
    const run = gated();
    run.does("reassign", "gate", { actor: "bob", approvers: ["cleo", "cleo"], reason: "on holiday" });
    expect(run.approval("gate")).toMatchObject({
      approvers: ["cleo"],
      reassignments: [{ actor: "bob", at: run.now, approvers: ["cleo"], reason: "on holiday" }],
    });
    for (const verb of ["approve", "reject"] as const)
      expect(run.command(verb, "gate", { actor: "bob" }).code).toBe("approver_not_allowed");
    for (const verb of ["skip", "force-complete", "reassign"] as const)
      expect(run.command(verb, "gate", { actor: "bob", may_override: false, approvers: ["bob"] }).code).toBe(
        "forbidden",
      );
    expect(run.command("skip", "after", { actor: "bob", may_override: false }).code).toBe("forbidden");
    run.does("approve", "gate", { actor: "cleo" });
    expect(run.step("after").status).toBe("running");
  });

  it("keeps the votes of who still decides, and drops the others", () => {
    const run = gated({ approval_approvers: ["ada", "bob", "group:finance", "cleo"], approvals_required: 3 });
    run.does("approve", "gate", { actor: "ada" }).does("approve", "gate", { actor: "fay", groups: ["finance"] });
    run.does("reassign", "gate", { ...root, approvers: ["bob", "cleo", "group:finance"] });
    expect(run.approval("gate")).toMatchObject({
      votes: [{ actor: "fay", as: "group:finance" }],
      reassignments: [{ dropped: [{ actor: "ada", decision: "approve" }] }],
    });
    run.does("reassign", "gate", { ...root, approvers: ["bob", "cleo", "ada"] });
    expect(run.approval("gate")?.votes).toEqual([]);
    for (const actor of ["ada", "bob"]) run.does("approve", "gate", { actor });
    expect(run.approval("gate")?.status).toBe("pending");
    run.does("approve", "gate", { actor: "cleo" });
    expect(run.approval("gate")?.status).toBe("approved");
  });

  it("decides nothing, and later steps of the escalation still add theirs", () => {
    const run = gated({ approval_escalation: [{ after_secs: 60, approvers: ["boss"] }] });
    run.does("reassign", "gate", { approvers: ["cleo"] }).later(60);
    expect(run.approval("gate")).toMatchObject({ status: "pending", approvers: ["cleo", "boss"], escalation_level: 1 });
  });

  it.each<[string, Partial<Step>, object, string, string]>([
    ["by somebody else", {}, { actor: "eve" }, "forbidden", "requires approvals:override"],
    [
      "by who started the run, whatever rights they have, though it be to a friend",
      { approval_exclude: ["created_by"], approval_approvers: ["starter", "ada"] },
      { actor: "starter", may_override: true },
      "forbidden",
      "starter may not reassign step gate: they started the run",
    ],
    ["to nobody", {}, { approvers: [] }, "validation_error", "must not be empty"],
    ["to an empty name", {}, { approvers: [""] }, "validation_error", "empty names"],
    ["to a group without a name", {}, { approvers: ["group:"] }, "validation_error", "name the group"],
    ["to a reference", {}, { approvers: ["{{payload.x}}"] }, "validation_error", "takes no references"],
    ["to a long name", {}, { approvers: ["x".repeat(256)] }, "validation_error", "at most 255"],
    [
      "to very many",
      {},
      { approvers: Array.from({ length: 51 }, (_, n) => `p${n}`) },
      "validation_error",
      "at most 50",
    ],
    [
      "to too few",
      { approvals_required: 2 },
      { ...root, approvers: ["cleo"] },
      "validation_error",
      "2 have to approve, and of these 1 may",
    ],
    [
      "to one who is excluded",
      { approval_exclude: ["created_by"] },
      { approvers: ["starter"] },
      "validation_error",
      "1 have to approve, and of these 0 may",
    ],
  ])("is refused: %s", (_, more, said, code, message) => {
    const run = gated(more);
    const before = run.approval("gate");
    const outcome = run.command("reassign", "gate", { actor: "ada", approvers: ["friend"], ...said });
    expect(outcome).toMatchObject({ status: "refused", code, message: expect.stringContaining(message) });
    expect(run.approval("gate")).toEqual(before);
  });

  it("is refused to those of whom too many have rejected it", () => {
    const run = gated({
      approval_approvers: ["ada", "bob", "cleo", "dan"],
      approvals_required: 2,
      approval_reject: "majority",
    });
    run.does("reject", "gate");
    expect(run.command("reassign", "gate", { ...root, approvers: ["ada", "bob"] }).code).toBe("validation_error");
    run.does("reassign", "gate", { ...root, approvers: ["ada", "bob", "cleo"] });
    expect(run.approval("gate")?.status).toBe("pending");
  });

  it("happens at most twenty times", () => {
    const run = gated();
    for (let n = 0; n < 20; n++) run.does("reassign", "gate", { ...root, approvers: [`p${n}`] });
    expect(run.command("reassign", "gate", { ...root, approvers: ["ada"] }).code).toBe("conflict");
  });
});

describe("of a gate that needs several, one approver", () => {
  const several = () => gated({ approvals_required: 2 });

  it("hands on their own place", () => {
    const run = several().does("approve", "gate");
    run.does("reassign", "gate", { approvers: ["cleo", "bob"] });
    expect(run.approval("gate")).toMatchObject({ approvers: ["cleo", "bob"], votes: [] });
    run.does("approve", "gate", { actor: "cleo" }).does("approve", "gate", { actor: "bob" });
    expect(run.approval("gate")?.status).toBe("approved");
  });

  it.each([
    ["the place of another", ["ada", "friend"]],
    ["more places", ["ada", "bob", "friend"]],
    ["two places for one", ["bob", "friend", "other"]],
    ["a place to a group", ["bob", "group:friends"]],
    ["all places", ["friend", "other"]],
  ])("does not give away %s", (_, approvers) => {
    expect(several().command("reassign", "gate", { approvers })).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("hands on their own place, by naming the others and one person"),
      details: ["approvers: bob"],
    });
  });

  it("who is one by a group has no place of their own", () => {
    const run = gated({ approval_approvers: ["group:finance"], approvals_required: 2 });
    const fay = { actor: "fay", groups: ["finance"] };
    expect(run.command("reassign", "gate", { ...fay, approvers: ["group:finance", "x"] }).code).toBe("forbidden");
  });
});

test("who approved another gate may not hand this one on, nor decide it once it is theirs", () => {
  const people = { approval_approvers: ["ada", "bob"] };
  const run = given([
    approval("first", [], people),
    approval("gate", ["first"], { ...people, approval_exclude: ["previous_approvers"] }),
  ]).does("approve", "first");
  expect(run.command("reassign", "gate", { approvers: ["friend"] }).message).toBe(
    "ada may not reassign step gate: they approved another gate of the run",
  );
  run.does("reassign", "gate", { actor: "bob", approvers: ["ada", "cleo"] });
  expect(run.command("approve", "gate").code).toBe("approver_not_allowed");
  run.does("approve", "gate", { actor: "cleo" });
});

describe("who has handed on their place in a gate of several", () => {
  const several = (more: Partial<Step> = {}) =>
    gated({ approval_approvers: ["ada", "bob", "group:finance"], approvals_required: 2, ...more });
  const handedOn = (more?: Partial<Step>) =>
    several(more).does("reassign", "gate", { actor: "ada", approvers: ["puppet", "bob", "group:finance"] });
  const refusal = { code: "approver_not_allowed", message: expect.stringContaining("they handed on their place") };

  it("has no second one by a group, to vote with or to hand on", () => {
    const run = handedOn().does("approve", "gate", { actor: "puppet" });
    expect(run.command("approve", "gate", { actor: "ada", groups: ["finance"] })).toMatchObject(refusal);
    const others = { actor: "ada", groups: ["finance"], approvers: ["bob", "puppet", "friend"] };
    expect(run.command("reassign", "gate", others).code).toBe("forbidden");
    expect(run.approval("gate")?.status).toBe("pending");
    run.does("approve", "gate", { actor: "bob" });
    expect(run.approval("gate")?.status).toBe("approved");
  });

  it("has none by an escalation, nor from another approver", () => {
    const escalated = handedOn({ approval_escalation: [{ after_secs: 60, approvers: ["ada"] }] }).later(60);
    expect(escalated.command("approve", "gate", { actor: "ada" })).toMatchObject(refusal);
    const again = { actor: "ada", approvers: ["puppet", "friend", "bob", "group:finance"] };
    expect(escalated.command("reassign", "gate", again).code).toBe("forbidden");
    const back = handedOn().does("reassign", "gate", { actor: "bob", approvers: ["puppet", "ada", "group:finance"] });
    expect(back.command("approve", "gate", { actor: "ada" })).toMatchObject(refusal);
  });

  it("has one again when somebody with the right to override names them, and when the gate is asked again", () => {
    const named = handedOn().does("reassign", "gate", { ...root, approvers: ["ada", "bob"] });
    expect(named.command("approve", "gate", { actor: "ada" }).status).toBe("applied");
    const again = handedOn().does("reject", "gate", { actor: "bob" }).does("retry", "gate", root);
    expect(again.command("approve", "gate", { actor: "ada" }).status).toBe("applied");
  });
});
