import { expect } from "vitest";
import type { Ask, Telling, Waiting } from "./telling.ts";
import type { StepDraft } from "../../../stack/scenario.ts";
import { until } from "../../../stack/until.ts";

const REMINDED_AFTER_SECS = 60;
/** What a definition can't say: nobody is reminded within a minute. */
export const inSeconds = (steps: string): string =>
  steps.replace(`"approval_remind_every_secs":${REMINDED_AFTER_SECS}`, `"approval_remind_every_secs":2`);

const FORM = {
  type: "object",
  properties: { amount: { type: "integer", maximum: 50 }, note: { type: "string" } },
  required: ["amount"],
};
const chose = (option: string) => ({ type: "eq", left: { ref: "outputs.gate.option" }, right: option });
const gate = (step_ref: string, more: object): StepDraft => ({ step_ref, step_type: "approval", ...more });
const job = (step_ref: string, more: object): StepDraft => ({
  step_ref,
  calls: `/${step_ref}`,
  payload: { story: "{{payload.story}}" },
  ...more,
});

export const STEPS: StepDraft[] = [
  gate("gate", {
    approval_approvers: ["{{payload.manager}}", "{{payload.deputy}}"],
    approvals_required: 2,
    approval_timeout_secs: 3600,
    approval_title: "Ship {{payload.story}}?",
    approval_text: "It is *ready*.",
    approval_payload: { of: "{{payload.story}}" },
    approval_options: ["ship", "hold"],
    approval_form: FORM,
  }),
  job("ship", { depends_on: ["gate"], condition: chose("ship") }),
  job("hold", { depends_on: ["gate"], condition: chose("hold") }),
  gate("last", { approval_approvers: ["boss"], depends_on: ["ship"] }),
  gate("sign", { approval_approvers: ["{{payload.manager}}"] }),
  gate("late", {
    approval_approvers: ["{{payload.manager}}"],
    approval_escalation: [{ after_secs: 2, approvers: ["boss"] }],
    approval_remind_every_secs: REMINDED_AFTER_SECS,
    depends_on: ["sign"],
  }),
  job("done", { depends_on: ["last", "late"] }),
];

/** A moment of the story at which something is killed. */
export interface Point {
  name: string;
  /** While all is well. */
  first?: (told: Telling) => Promise<unknown>;
  /** What is asked for when it happens. */
  asks: (told: Telling) => Ask[];
  /** For how long it has to last. */
  outlasts?: (told: Telling) => Promise<unknown>;
  /** Without a worker, all of it is answered before another one comes. */
  isAnsweredByNobody?: true;
  /** What is true once all is well again, be it that it was asked for before, or while it was not. `answers`: the last ones. */
  after: (told: Telling, answers: { status: number; body: object }[]) => Promise<unknown>;
  waiting: Waiting;
  /** Or this, where what is due next may have come about already. */
  soon?: Waiting;
}

const nothing = () => [];
const escalatedAt = async (told: Telling) => Date.parse((await told.gate("late")).requested_at) + 2_000;
/** More than fits into a history: it is stored beside it. */
const LONG = "x".repeat(3_000);

export const POINTS: Point[] = [
  {
    name: "a run is triggered, and its gates open",
    asks: (told) => [told.triggers()],
    async after(told, [answer]) {
      Object.assign(told, { run: answer?.body });
      await Promise.all([told.opens("gate"), told.opens("sign")]);
      const title = `Ship ${told.name}?`;
      expect(await told.gate("gate")).toMatchObject({ approvers: ["mia", "dan"], title, payload: { of: told.name } });
    },
    waiting: { mia: ["gate", "sign"], dan: ["gate"] },
  },
  {
    name: "one of two chooses",
    asks: (told) => [told.says("choose", "mia", { option: "hold", values: { amount: 1 } })],
    async after(told) {
      const votes = [{ actor: "mia", option: "hold", output: { option: "hold", by: "mia", values: { amount: 1 } } }];
      expect(await told.gate("gate")).toMatchObject({ status: "pending", votes });
    },
    waiting: { mia: ["sign"], dan: ["gate"] },
  },
  {
    name: "somebody comments",
    asks: (told) => [told.says("comment", "dan", { comment: "who has checked the prices?" })],
    async after(told) {
      const { comments } = await told.gate("gate");
      expect(comments).toMatchObject([{ actor: "dan", comment: "who has checked the prices?" }]);
      expect(comments).toHaveLength(1);
    },
    waiting: { mia: ["sign"], dan: ["gate"] },
  },
  {
    name: "the vote is withdrawn",
    asks: (told) => [told.says("withdraw", "mia")],
    async after(told) {
      expect((await told.gate("gate")).votes).toBeUndefined();
    },
    waiting: { mia: ["gate", "sign"], dan: ["gate"] },
  },
  {
    name: "a place is handed on",
    asks: (told) => [told.says("reassign", "dan", { approvers: ["mia", "sam"], reason: "holidays" })],
    async after(told) {
      const { approvers, reassignments } = await told.gate("gate");
      expect([approvers, reassignments?.length]).toEqual([["mia", "sam"], 1]);
    },
    waiting: { mia: ["gate", "sign"], sam: ["gate"] },
  },
  {
    name: "the deadline is moved",
    asks: (told) => [told.says("extend", "mia", { until: "2040-01-01T00:00:00Z" })],
    async after(told) {
      const { expires_at, extensions } = await told.gate("gate");
      expect([expires_at, extensions?.length]).toEqual(["2040-01-01T00:00:00Z", 1]);
    },
    waiting: { mia: ["gate", "sign"], sam: ["gate"] },
  },
  {
    name: "a link is used, twice at once",
    first: (told) => told.makesLink("sign", "mia"),
    asks: (told) => [told.decidesByLink(), told.decidesByLink()],
    async after(told) {
      // It may only be stored, and then the link is used already.
      await until(async () => (await told.gate("sign")).status !== "pending");
      const signed = { status: "approved", approved_by: "mia", votes: [{ actor: "mia", comment: "by link" }] };
      expect(await told.gate("sign")).toMatchObject(signed);
      expect(await told.decidesByLink().ask()).toMatchObject({ status: 410 });
      await told.opens("late");
    },
    waiting: { mia: ["gate", "late"], sam: ["gate"] },
    soon: { mia: ["gate", "late"], sam: ["gate"], boss: ["late"] },
  },
  {
    name: "a reminder and an escalation fall due",
    asks: nothing,
    async outlasts(told) {
      // Asked for again when it is over: whoever could tell may be gone.
      await until(() => Date.now() > told.dueAt, { everyMs: 50 });
    },
    async first(told) {
      told.dueAt = await escalatedAt(told);
    },
    async after(told) {
      const late = await until(async () => {
        const found = await told.gate("late");
        return found.escalation_level === 1 && found.reminders && found;
      });
      expect(late).toMatchObject({ status: "pending", approvers: ["mia", "boss"] });
    },
    waiting: { mia: ["gate", "late"], sam: ["gate"], boss: ["late"] },
  },
  {
    name: "values are filled in that do not fit, and others that do",
    asks: (told) => [
      told.says("choose", "mia", { option: "ship", values: { amount: 99 } }, [400]),
      told.says("choose", "mia", { option: "ship", values: { amount: 40, note: LONG } }),
    ],
    isAnsweredByNobody: true,
    async after(told) {
      const { status, votes } = await told.gate("gate");
      expect([status, votes?.length]).toEqual(["pending", 1]);
      expect(votes?.[0]?.output).toEqual({ option: "ship", by: "mia", values: { amount: 40, note: LONG } });
    },
    waiting: { mia: ["late"], sam: ["gate"], boss: ["late"] },
  },
  {
    name: "the second of two chooses, twice at once",
    asks: (told) =>
      [1, 2].map((amount) => told.says("choose", "sam", { option: "ship", values: { amount } }, [200, 409])),
    async after(told, answers) {
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      await told.opens("last");
      expect(await told.statuses()).toMatchObject({ gate: "completed", ship: "completed", hold: "skipped" });
    },
    waiting: { mia: ["late"], boss: ["last", "late"] },
  },
  {
    name: "what is left is decided at once",
    asks: (told) => [told.decides("boss", ["last", "late"], { decision: "approve", comment: "both" })],
    async after(told, [answer]) {
      expect(answer?.body).toMatchObject({ results: [{ status: "decided" }, { status: "decided" }] });
      await told.ends();
    },
    waiting: {},
  },
  { name: "it is over", asks: nothing, after: (told) => told.ends(), waiting: {} },
];
