import { describe, expect, it } from "vitest";
import type { StepType } from "../../src/contract/steps/index.ts";
import type { CommandPayload, StepVerb } from "../../workflows/engine/command.ts";
import { noChanges } from "../../workflows/engine/mirror/changes.ts";
import { hashParts } from "../../workflows/engine/gates/shown.ts";
import { given, type Story, text } from "./given.ts";
import { approval, child, job, sleep, type Step, wait } from "./plans.ts";

/** An open step of each type: the compiler names a type that is missing. */
const STEPS: Record<StepType, Step> = {
  job: job("s"),
  approval: approval("s"),
  wait_for_event: wait("s"),
  sleep: sleep("s"),
  sub_workflow: child("s"),
};
const TYPES = Object.keys(STEPS) as StepType[];

const opened = (type: StepType, more: Partial<Step> = {}): Story => {
  const run = given([job("first"), { ...STEPS[type], ...more, depends_on: ["first"] }]).completes("first");
  return type === "wait_for_event" ? run.news("s", { type: "wait_opened", event_key: "paid:s" }) : run;
};

/** Whose each verb is, and what a step of another type answers to it. */
const NO_APPROVAL = { code: "invalid_state", message: "approval not found for step s" };
const NO_EVENT = { code: "conflict", message: "event trigger is not in waiting state" };
interface Verb {
  of: StepType;
  refusal: { code: string; message: string };
  says?: CommandPayload;
  /** Does not end the step. */
  isOpen?: true;
  /** Of an open step of its type: with what has to come before it. */
  open?: () => Story;
}
const voted = () => opened("approval", { approvals_required: 2 }).does("approve", "s");
const timed = () => opened("approval", { approval_timeout_secs: 60 });
const OPTIONS = ["ship", "hold"];
const choosing = () =>
  opened("approval", { approval_options: OPTIONS }).news("s", {
    type: "gate_opened",
    shown: text({ options: OPTIONS }),
    shown_hash: hashParts(() => undefined),
  });
const VERBS: Record<StepVerb, Verb> = {
  approve: { of: "approval", refusal: NO_APPROVAL },
  reject: { of: "approval", refusal: NO_APPROVAL },
  choose: { of: "approval", refusal: NO_APPROVAL, says: { option: "ship" }, open: choosing },
  withdraw: { of: "approval", refusal: NO_APPROVAL, isOpen: true, open: voted },
  comment: { of: "approval", refusal: NO_APPROVAL, isOpen: true, says: { comment: "hm" } },
  reassign: { of: "approval", refusal: NO_APPROVAL, isOpen: true, says: { approvers: ["bob"] } },
  extend: { of: "approval", refusal: NO_APPROVAL, isOpen: true, says: { until: "2027-01-01T00:00:00Z" }, open: timed },
  "send-event": { of: "wait_for_event", refusal: NO_EVENT },
  "cancel-event": { of: "wait_for_event", refusal: NO_EVENT },
};

describe.each(Object.entries(VERBS))("%s", (verb, { of, refusal, says, isOpen, open = () => opened(of) }) => {
  it.each(TYPES)("is taken or refused by an open %s step as its type says", (type) => {
    const run = type === of ? open() : opened(type);
    const before = run.statuses;
    const outcome = run.command(verb as StepVerb, "s", says);
    if (type === of) return expect(outcome).toMatchObject({ status: "applied" });
    expect(outcome).toMatchObject({ status: "refused", ...refusal });
    expect(run.statuses).toEqual(before);
  });

  it("is refused once the step has ended", () => {
    const run = isOpen ? open().does("skip", "s", { may_override: true }) : open().does(verb as StepVerb, "s", says);
    expect(run.command(verb as StepVerb, "s", says).status).toBe("refused");
  });
});

describe.each(TYPES)("whatever ends an open %s step", (type) => {
  it.each<[string, (run: Story) => Story]>([
    ["a cancellation", (run) => run.happens({ type: "cancel_requested" })],
    ["an end from outside", (run) => run.happens({ type: "ended_outside", status: "failed", error: "terminated" })],
    ["a replay of what comes before it", (run) => run.does("pause").does("replay-subtree", "first")],
  ])("%s closes all that it had open, for all to see", (_, end) => {
    const run = opened(type);
    run.run.dirty = noChanges(0);
    end(run);
    const { approvals, triggers, jobRuns } = run.run.dirty;
    const shown = [...approvals.values(), ...triggers.values(), ...jobRuns.values()]
      .filter(({ step_run_id }) => step_run_id === run.step("s").id)
      .map(({ status }) => status);
    expect(shown).toEqual(shown.map(() => "canceled"));
    const own = { job: 1, approval: 2, wait_for_event: 1, sleep: 1, sub_workflow: 0 };
    expect(shown).toHaveLength(own[type]);
  });
});
