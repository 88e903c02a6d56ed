import fc from "fast-check";
import { type CommandPayload, type Verb, VERBS, VERBS_BETWEEN_RUNS } from "../../workflows/engine/command.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";
import { isStepOver } from "../../workflows/engine/transitions.ts";

/** What may happen next, by how often: news of work, a timer, a command, old news again, …, and moves of the mirror. */
const WEIGHTS = {
  finish: 120,
  time: 40,
  command: 60,
  again: 20,
  cancel: 2,
  parent: 1,
  expiry: 3,
  take: 20,
  arrive: 20,
  pass: 15,
  look: 10,
  carry: 10,
  reopen: 10,
};

export interface Move {
  kind: keyof typeof WEIGHTS;
  /** Chooses among what is possible then. */
  pick: number;
  /** The next move comes before the run goes on. */
  hold: boolean;
}

export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({
    kind: fc.oneof(
      ...Object.entries(WEIGHTS).map(([kind, weight]) => ({ arbitrary: fc.constant(kind as Move["kind"]), weight })),
    ),
    pick: fc.nat(),
    hold: fc.nat(5).map((n) => n === 0),
  }),
  { minLength: 10, maxLength: 150, size: "max" },
);

const isOpen = ({ status }: StepState) => status === "pending" || status === "waiting";
const isOver = ({ status }: StepState) => isStepOver(status);
const isGate = ({ approval }: StepState) => approval?.status === "pending";
const waits = ({ trigger }: StepState, type?: string) => type === "wait_for_event" && trigger?.status === "waiting";

/** Which steps a verb is made for. */
const AIMS: Record<Verb, (step: StepState, type?: string) => boolean> = {
  pause: () => true,
  resume: () => true,
  approve: isGate,
  reject: isGate,
  choose: isGate,
  withdraw: isGate,
  comment: isGate,
  reassign: isGate,
  extend: isGate,
  skip: isOpen,
  "force-complete": isOpen,
  retry: isOver,
  "replay-subtree": isOver,
  "send-event": waits,
  "cancel-event": waits,
  reopen: () => true,
  adopt: ({ child_run_id }) => child_run_id !== undefined,
};

const ALL = [...VERBS, ...VERBS_BETWEEN_RUNS];

/** Any command, mostly one that makes sense. */
export function anyCommand({ plan, state }: Run, pick: number): CommandPayload & { verb: Verb; actor: string } {
  const verb = ALL[pick % ALL.length] as Verb;
  const which = pick >> 4;
  const all = plan.steps.map((_, i) => i);
  const sensible = all.filter((i) => AIMS[verb](state.steps[i] as StepState, plan.steps[i]?.step_type));
  const among = which % 4 > 0 && sensible.length > 0 ? sensible : all;
  const known = plan.steps[among[(which >> 2) % among.length] as number]?.step_ref;
  return {
    verb,
    step_ref: pick % 41 ? known : "no such step",
    reason: pick % 3 ? "why" : undefined,
    actor: ["ada", "ada", "ada", "bob", "cleo", "eve"][pick % 6] as string,
    groups: pick % 5 ? undefined : ["finance"],
    comment: pick % 4 ? undefined : "hm",
    may_override: pick % 5 === 0,
    ...changes(verb, state.steps[among[(which >> 2) % among.length] as number], which),
    ...between(verb, state.steps[among[(which >> 2) % among.length] as number], which),
    ...edits(verb, known, which),
    result: resultOf(verb, pick),
    ...aim(state.steps[among[(which >> 2) % among.length] as number], which),
    option: which % 13 ? ["ship", "ship", "hold"][which % 3] : undefined,
  };
}

/** Of a gate with options one of them, now and then, or what is none. */
function resultOf(verb: Verb, pick: number): CommandPayload["result"] {
  if (verb !== "force-complete" || pick % 3 === 0) return pick % 5 ? undefined : { text: `${pick % 100}` };
  return { text: JSON.stringify({ option: ["ship", "hold", "other"][pick % 7], by: pick % 11 ? "ada" : undefined }) };
}

const SETS = [
  ["ada"],
  ["bob", "cleo"],
  ["ada", "bob"],
  ["eve", "bob"],
  ["group:finance"],
  ["cleo", "group:finance"],
  [],
  [""],
];

/** Other approvers for a gate, or another deadline, now and then an earlier one. */
function changes(verb: Verb, step: StepState | undefined, which: number): CommandPayload {
  if (verb === "reassign") return { approvers: SETS[which % SETS.length] };
  if (verb !== "extend") return {};
  const { requested_at = 0, expires_at = requested_at } = step?.approval ?? {};
  return { until: which % 13 ? rfc3339(expires_at + ((which % 7) - 1) * 40_000) : undefined };
}
/** Now and then it says what it is about: what is, or what was or never will be. */
const aim = (step: StepState | undefined, which: number): CommandPayload => ({
  step_attempt: which % 5 ? undefined : (step?.attempt ?? 1) - (which % 2),
  shown_hash: which % 7 ? undefined : `${step?.attempt}${which % 2 ? (step?.approval?.shown_hash ?? "") : ".another"}`,
});

const between = (verb: Verb, step: StepState | undefined, which: number) =>
  verb === "reopen" || verb === "adopt"
    ? { child_run_id: step?.child_run_id, life: which % 9, only_tell: verb === "reopen" && which % 7 === 0 }
    : {};

/** Now and then other payloads for the run, for the step that it is about, or for any. */
function edits(verb: Verb, ref: string | undefined, which: number): CommandPayload {
  if (verb !== "retry" && verb !== "replay-subtree" && verb !== "reopen") return {};
  return {
    payload: which % 11 === 0 ? { text: `${which % 10}` } : undefined,
    step_payloads: which % 7 === 0 ? { [which % 3 ? (ref ?? "s0") : "s1"]: { text: `${which % 10}` } } : undefined,
  };
}
