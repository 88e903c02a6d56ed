import { describe, expect, it } from "vitest";
import { given } from "../given.ts";
import { approval, BEGIN, job, planWith, type Step } from "../plans.ts";
import { stepsProblem } from "../../../workflows/engine/definition/validate.ts";
import { waitOf } from "../../../workflows/engine/reasons/waits.ts";
import { wordsOf } from "../../../workflows/engine/reasons/words.ts";
import { rfc3339 } from "../../../workflows/engine/time.ts";

const DAY = 86_400;
const inDays = (days: number) => rfc3339(BEGIN + days * DAY * 1000);
const at = (days: number) => BEGIN + days * DAY * 1000;
const gated = (more: Partial<Step>) => given([approval("gate", [], more), job("after", ["gate"])]);

describe("a gate that escalates", () => {
  const chain = [
    { after_secs: 2 * DAY, approvers: ["boss"] },
    { after_secs: 7 * DAY, approvers: ["group:board", "ada"] },
  ];

  it("asks others besides its approvers, step by step, and says so", () => {
    const run = gated({ approval_escalation: chain }).later(2 * DAY - 1);
    expect(run.command("approve", "gate", { actor: "boss" }).code).toBe("approver_not_allowed");
    expect(run.approval("gate")).toMatchObject({ approvers: ["ada", "bob"] });
    run.later(1);
    expect(run.approval("gate")).toMatchObject({
      approvers: ["ada", "bob", "boss"],
      escalation_level: 1,
      escalated_at: at(2),
    });
    run.later(30 * DAY);
    expect(run.approval("gate")).toMatchObject({
      approvers: ["ada", "bob", "boss", "group:board"],
      escalation_level: 2,
      escalated_at: at(7),
    });
    expect(run.work("gate")).toEqual([]);
    run.does("approve", "gate", { actor: "eve", groups: ["board"] });
    expect(run.step("after").status).toBe("running");
  });

  it("says of each step who is to hear of it: whom it names for that, or those whom it asks", () => {
    const [first = { after_secs: 1, approvers: [] }, second = first] = chain;
    const run = gated({ approval_escalation: [{ ...first, notify: ["ops", "ada"] }, second] });
    expect(run.approval("gate")?.notify).toBeUndefined();
    expect(run.later(2 * DAY).approval("gate")).toMatchObject({
      notify: [["ops", "ada"]],
      approvers: ["ada", "bob", "boss"],
    });
    expect(run.later(5 * DAY).approval("gate")?.notify).toEqual([
      ["ops", "ada"],
      ["group:board", "ada"],
    ]);
    expect(run.command("approve", "gate", { actor: "ops" }).code).toBe("approver_not_allowed");
  });

  it("ends at its deadline all the same", () => {
    const timing = { approval_timeout_secs: 5 * DAY, approval_escalation: chain.slice(0, 1) };
    expect(gated(timing).later(5 * DAY).statuses).toMatchObject({ gate: "failed" });
  });

  it("that names nobody still lets anyone decide", () => {
    const run = gated({ approval_approvers: [], approval_escalation: chain }).later(3 * DAY);
    expect(run.approval("gate")?.approvers).toEqual([]);
    run.does("approve", "gate", { actor: "whoever" });
  });

  it("takes all that was due while nobody was there", () => {
    const run = gated({ approval_escalation: chain, approval_remind_every_secs: DAY });
    const { generation, deadline = 0 } = run.state("gate");
    run.now = at(10);
    run.happens({ type: "deadline_passed", step: 0, generation, deadline });
    expect(run.approval("gate")).toMatchObject({ escalation_level: 2, escalated_at: at(10), reminders: 1 });
    expect(run.state("gate").deadline).toBe(at(11));
  });

  it("does so as well where its deadline says that it is to, and stays open", () => {
    const timing = { approval_timeout_secs: 3 * DAY, approval_on_timeout: "escalate" as const };
    const run = gated({ ...timing, approval_escalation: chain }).later(3 * DAY);
    expect(run.approval("gate")).toMatchObject({ status: "pending", escalation_level: 2, escalated_at: at(3) });
    expect(run.later(365 * DAY).statuses).toEqual({ gate: "waiting", after: "waiting" });
    expect(run.approval("gate")).toMatchObject({ escalation_level: 2, expires_at: at(3) });
  });

  it("takes a step that is due at the deadline once, and later reminders take none", () => {
    const timing = { approval_timeout_secs: 2 * DAY, approval_on_timeout: "escalate" as const };
    const run = gated({ ...timing, approval_escalation: chain, approval_remind_every_secs: DAY }).later(4 * DAY);
    expect(run.approval("gate")).toMatchObject({ escalation_level: 1, reminders: 4 });
    expect(run.later(3 * DAY).approval("gate")).toMatchObject({ escalation_level: 2 });
  });

  it("says why it waits: for whom, how often it has escalated, until when", () => {
    const timing = { approval_timeout_secs: 60 * DAY, approval_remind_every_secs: DAY };
    const run = gated({ ...timing, approval_escalation: chain });
    const words = () => wordsOf(waitOf(run.run, 0) ?? { reason: "values" });
    expect(words()).toBe(`approval of ada, bob until ${inDays(60)}`);
    expect([run.later(3 * DAY), words()][1]).toBe(`approval of ada, bob, boss, escalated once until ${inDays(60)}`);
    expect([run.later(5 * DAY), words()][1]).toContain("boss, group:board, escalated 2 times until");
  });
});

describe("reminders", () => {
  it("come at their interval, until somebody decides", () => {
    const run = gated({ approval_remind_every_secs: DAY }).later(3.5 * DAY);
    expect(run.approval("gate")).toMatchObject({ reminders: 3, reminded_at: at(3) });
    run.does("approve", "gate");
    expect(run.work("gate")).toEqual([]);
  });

  it("are not for ever: what a gate costs over years is bounded", () => {
    const run = gated({ approval_remind_every_secs: 60 }).later(365 * DAY);
    expect(run.approval("gate")?.reminders).toBe(100);
    expect(run.work("gate")).toEqual([]);
  });
});

describe("extend", () => {
  const timed = (more: Partial<Step> = {}) => gated({ approval_timeout_secs: 7 * DAY, ...more });

  it("moves the deadline of gate and event, is recorded, and the old timer is none any more", () => {
    const run = timed().later(DAY);
    const { deadline = 0, generation } = run.state("gate");
    run.does("extend", "gate", { until: inDays(20), reason: "holidays" });
    expect(run.approval("gate")).toMatchObject({
      expires_at: at(20),
      extensions: [{ actor: "ada", at: at(1), until: at(20), reason: "holidays" }],
    });
    expect(run.trigger("gate")).toMatchObject({ expires_at: at(20), timeout_secs: 20 * DAY });
    run.happens({ type: "deadline_passed", step: 0, generation, deadline });
    expect(run.later(18.9 * DAY).statuses).toMatchObject({ gate: "waiting" });
    expect(run.later(0.1 * DAY).approval("gate")?.status).toBe("timed_out");
  });

  it.each([
    ["an earlier deadline", {}, { until: inDays(6) }, "validation_error", `later than the deadline, ${inDays(7)}`],
    ["the same deadline", {}, { until: inDays(7) }, "validation_error", "later than the deadline"],
    ["one in the past", {}, { until: inDays(-1) }, "validation_error", "until must be in the future"],
    ["what is no time", {}, { until: "tomorrow" }, "validation_error", "valid RFC3339 timestamp"],
    ["no time", {}, {}, "validation_error", "valid RFC3339 timestamp"],
    ["one in another century", {}, { until: "2199-01-01T00:00:00Z" }, "validation_error", "within 68 years"],
    ["a gate without one", { approval_timeout_secs: 0 }, { until: inDays(9) }, "invalid_state", "has no deadline"],
    ["somebody else", {}, { until: inDays(9), actor: "eve" }, "forbidden", "requires approvals:override"],
    [
      "who started the run",
      { approval_exclude: ["created_by"] as Step["approval_exclude"] },
      { until: inDays(9), actor: "cleo", may_override: true },
      "forbidden",
      "cleo may not extend step gate: they started the run",
    ],
  ])("is refused: %s", (_, more, said, code, message) => {
    const steps = [approval("gate", [], { approval_timeout_secs: 7 * DAY, ...more })];
    const run = given(steps, { created_by: "cleo" });
    const before = run.approval("gate");
    expect(run.command("extend", "gate", said)).toMatchObject({
      status: "refused",
      code,
      message: expect.stringContaining(message),
    });
    expect(run.approval("gate")).toEqual(before);
  });

  it("is for who may override, too, and at most twenty times", () => {
    const run = timed();
    for (let day = 8; day < 28; day++)
      run.does("extend", "gate", { until: inDays(day), actor: "root", may_override: true });
    expect(run.command("extend", "gate", { until: inDays(40) })).toMatchObject({ code: "conflict" });
  });

  it("of a gate that has stayed open gives it a deadline again, at which the next step is taken", () => {
    const run = timed({
      approval_on_timeout: "escalate",
      approval_escalation: [
        { after_secs: 7 * DAY, approvers: ["boss"] },
        { after_secs: 90 * DAY, approvers: ["chief"] },
      ],
    }).later(8 * DAY);
    run.does("extend", "gate", { until: inDays(30) }).later(22 * DAY);
    expect(run.approval("gate")).toMatchObject({ status: "pending", escalation_level: 2, escalated_at: at(30) });
  });
});

describe("a definition", () => {
  const boss = (after_secs: number) => ({ after_secs, approvers: ["boss"] });
  it.each<[Partial<Step>, string, string]>([
    [{ approval_escalation: [boss(60), boss(60)] }, "approval_escalation[1].after_secs", "must be more than 60"],
    [
      { approval_timeout_secs: 60, approval_escalation: [boss(60)] },
      "approval_escalation[0].after_secs",
      "must be less than approval_timeout_secs, 60",
    ],
    [{ approval_escalation: [{ after_secs: 1, approvers: [""] }] }, "approval_escalation[0].approvers", "empty names"],
    [
      { approval_escalation: [{ after_secs: 1, approvers: ["group:"] }] },
      "approval_escalation[0].approvers",
      "name the group",
    ],
    [
      { approval_escalation: [{ ...boss(1), notify: ["ops", "group:"] }] },
      "approval_escalation[0].notify",
      "name the group",
    ],
    [{ approval_escalation: [{ ...boss(1), notify: ["{{boss}}"] }] }, "approval_escalation[0].notify", "no references"],
    [{ approval_timeout_secs: 60, approval_on_timeout: "escalate" }, "approval_on_timeout", "after_secs is 60 or more"],
    [
      { approval_timeout_secs: 60, approval_on_timeout: "escalate", approval_escalation: [boss(59)] },
      "approval_on_timeout",
      "needs a step",
    ],
    [{ approval_on_timeout: "escalate", approval_escalation: [boss(59)] }, "approval_on_timeout", "above 0"],
    [{ approval_remind_every_secs: 59 }, "approval_remind_every_secs", "must be >= 60"],
    [
      { approval_timeout_secs: 60, approval_remind_every_secs: 60 },
      "approval_remind_every_secs",
      "less than approval_timeout_secs, 60",
    ],
  ])("with %j is refused", (wrong, field, message) => {
    const problem = stepsProblem(planWith([approval("gate", [], wrong)]).steps as never);
    expect(JSON.stringify(problem)).toContain(field);
    expect(JSON.stringify(problem)).toContain(message);
  });

  it.each<Partial<Step>>([
    { approval_escalation: [boss(1), boss(2)], approval_remind_every_secs: 60 },
    { approval_timeout_secs: 60, approval_on_timeout: "escalate", approval_escalation: [boss(30), boss(60)] },
    { approval_timeout_secs: 61, approval_remind_every_secs: 60, approval_escalation: [boss(60)] },
  ])("with %j is taken", (right) => {
    expect(stepsProblem(planWith([approval("gate", [], right)]).steps as never)).toBeUndefined();
  });
});
