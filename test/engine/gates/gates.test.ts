import { describe, expect, it, test } from "vitest";
import { given, type Story, text } from "../given.ts";
import { approval, child, job, wait } from "../plans.ts";
import type { CommandPayload, Verb } from "../../../workflows/engine/command.ts";
import { RULES } from "../../../workflows/engine/plan.ts";
import { previewOf } from "../../../workflows/engine/preview.ts";
import type { RecoveryVerb } from "../../../workflows/engine/recovery/request.ts";

const FORBIDDEN = {
  status: "refused",
  code: "forbidden",
  message: "insufficient permissions: requires approvals:override",
};
const failing = { type: "step_status", step_ref: "scan", status: "failed" };

/** What eve may not do, and ada (an approver), or whoever has the scope, may. `behind`: the step that the gate holds back. */
const REFUSED: [what: string, run: () => Story, verb: Verb, step_ref: string, payload?: CommandPayload][] = [
  ["skip a gate", () => given([approval("gate"), job("deploy", ["gate"])]), "skip", "gate"],
  ["force-complete a gate", () => given([approval("gate"), job("deploy", ["gate"])]), "force-complete", "gate"],
  ["skip a gate that is not open yet", () => given([job("a"), approval("gate", ["a"])]), "skip", "gate"],
  ["skip what the gate holds back", () => given([approval("gate"), job("a", ["gate"]), job("b", ["a"])]), "skip", "a"],
  [
    "force-complete it far behind",
    () => given([approval("gate"), job("a", ["gate"]), job("b", ["a"])]),
    "force-complete",
    "b",
  ],
  ["skip a sub-workflow behind it", () => given([approval("gate"), child("a", ["gate"])]), "skip", "a"],
  [
    "skip a second gate behind the first",
    () => given([approval("g"), approval("h", ["g"], { approval_approvers: [] })]),
    "skip",
    "h",
  ],
  [
    "take an approval back",
    () => given([approval("gate"), job("a", ["gate"])]).does("approve", "gate"),
    "retry",
    "gate",
  ],
  [
    "replay a gate",
    () => given([approval("gate"), job("a", ["gate"])]).does("approve", "gate"),
    "replay-subtree",
    "gate",
  ],
  ["reopen what was rejected", () => given([approval("gate")]).does("reject", "gate"), "retry", "gate"],
  ["run what completed behind it again", () => approvedAndDone(), "retry", "deploy"],
  ["replay what is behind it", () => approvedAndDone(), "replay-subtree", "deploy"],
  ["replay what failed behind it", () => approvedAndFailed(), "replay-subtree", "deploy"],
  ["replay a join behind it from its other side", () => joined(), "replay-subtree", "side"],
  [
    "retry what failed behind it with another payload",
    () => approvedAndFailed(),
    "retry",
    "deploy",
    { payload: text(1) },
  ],
  [
    "the same, for that step alone",
    () => approvedAndFailed(),
    "retry",
    "deploy",
    { step_payloads: { deploy: text(1) } },
  ],
  ["slip it one by way of another step", () => besides(), "retry", "side", { step_payloads: { later: text(1) } }],
  ["skip what a gate's condition looks at", () => asking(), "skip", "scan"],
  ["force-complete what that is made of", () => asking(), "force-complete", "source"],
  ["give it another payload", () => scanned(), "retry", "source", { payload: text(1) }],
  ["give a step that it looks at one", () => scanned(), "retry", "scan", { step_payloads: { scan: text(1) } }],
];

const approvedAndDone = () =>
  given([approval("gate"), job("deploy", ["gate"])])
    .does("approve", "gate")
    .completes("deploy");
const approvedAndFailed = () =>
  given([approval("gate"), job("deploy", ["gate"])])
    .does("approve", "gate")
    .fails("deploy");
const joined = () =>
  given([approval("gate"), job("side"), job("join", ["gate", "side"])])
    .does("approve", "gate")
    .completes("side")
    .completes("join");
const besides = () =>
  given([approval("gate"), job("side"), wait("event", ["gate"]), job("later", ["event"])])
    .does("approve", "gate")
    .completes("side");
/** Its gate asks only where the scan fails. */
const conditional = [
  wait("source"),
  wait("scan", ["source"]),
  approval("gate", ["source"], { condition: failing, depends_on: ["scan"] }),
];
const asking = () => given([...conditional, job("deploy", ["gate"])]);
const scanned = () =>
  given([
    job("source"),
    job("scan", ["source"], { on_failure: "continue" }),
    approval("gate", ["scan"], { condition: failing }),
  ])
    .completes("source")
    .fails("scan");

describe("who is no approver cannot", () => {
  test.each(REFUSED)("%s", (_, make, verb, step_ref, payload = {}) => {
    for (const may_override of [undefined, false]) {
      const run = make();
      const { steps, status } = run.run.state;
      const before = JSON.stringify({ steps, status });
      const asked = { ...payload, verb: verb as RecoveryVerb, step_ref, actor: "eve", may_override };
      expect(previewOf(run.plan, run.run.state, asked, run.now), "its dry run").toMatchObject(FORBIDDEN);
      expect(run.command(verb, step_ref, { ...payload, actor: "eve", may_override })).toMatchObject(FORBIDDEN);
      expect(JSON.stringify({ steps: run.run.state.steps, status: run.run.state.status })).toBe(before);
    }
  });

  test.each(REFUSED)("%s; an approver can, and who has the scope", (_, make, verb, step_ref, payload = {}) => {
    expect(make().command(verb, step_ref, { ...payload, actor: "ada" }).status).toBe("applied");
    expect(make().command(verb, step_ref, { ...payload, actor: "eve", may_override: true }).status).toBe("applied");
  });

  it("pass a gate of several with the right to one of them", () => {
    const run = given([approval("g"), approval("h", ["g"], { approval_approvers: ["eve"] })]);
    expect(run.command("skip", "h", { actor: "eve" })).toMatchObject(FORBIDDEN);
  });
});

describe("who is no approver can", () => {
  const eve = { actor: "eve", may_override: false };

  it("skip what no gate holds back, and what an approved one does not any more", () => {
    const run = given([approval("gate"), job("deploy", ["gate"]), job("other"), job("after", ["deploy", "other"])]);
    run.does("approve", "gate").completes("deploy").does("skip", "after", eve);
    expect(run.statuses.after).toBe("skipped");
  });

  it("go on with what was approved and has not completed, once", () => {
    const run = approvedAndFailed().does("retry", "deploy", eve);
    expect(run.statuses).toEqual({ gate: "completed", deploy: "running" });
    expect(run.completes("deploy").command("retry", "deploy", eve)).toMatchObject(FORBIDDEN);
  });

  it("replay what comes before a gate, which asks again", () => {
    const run = given([job("build"), approval("gate", ["build"]), job("deploy", ["gate"])]).completes("build");
    run.does("approve", "gate").completes("deploy").does("replay-subtree", "build", eve).completes("build");
    expect(run.statuses).toEqual({ build: "completed", gate: "waiting", deploy: "waiting" });
    expect(run.approval("gate")?.status).toBe("pending");
  });

  it("give other payloads to what is still to be approved", () => {
    const run = given([job("build"), approval("gate", ["build"]), job("deploy", ["gate"])]).fails("build");
    run.does("retry", "build", { ...eve, payload: text(1), step_payloads: { deploy: text(2) } });
    expect(run.statuses.build).toBe("running");
  });

  it("pass a gate without approvers", () => {
    const run = given([approval("gate", [], { approval_approvers: [] }), job("deploy", ["gate"])]);
    expect(run.does("skip", "gate", eve).statuses.deploy).toBe("running");
  });
});

describe("a run that began by older rules", () => {
  const old = () => given([approval("gate"), job("deploy", ["gate"])], { rules: undefined });

  it("keeps what it let happen, and asks for the right of a command that says whether it is there", () => {
    expect(old().command("skip", "gate", { actor: "eve" }).status).toBe("applied");
    expect(old().command("skip", "gate", { actor: "eve", may_override: false })).toMatchObject(FORBIDDEN);
    expect(old().command("skip", "gate", { actor: "eve", may_override: true }).status).toBe("applied");
    expect(RULES).toBeGreaterThan(0);
  });
});
