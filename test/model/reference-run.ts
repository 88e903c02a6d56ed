import { contentOf } from "./documents.ts";
import type { Json, JsonDoc } from "../../src/contract/json.ts";
import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import type { PlanStep, RunHeader } from "../../workflows/engine/plan.ts";
import type { ApprovalState, Cause, TriggerState } from "../../workflows/engine/state.ts";

/**
 * The rules of a run once more, from docs/state-machine.md, without a line of the engine:
 * nothing is kept that can be found out by looking at all steps again.
 */
export interface ReferenceRun {
  header: RunHeader;
  definitions: PlanStep[];
  status: RunStatus;
  error?: string;
  finished_at?: number;
  expires_at?: number;
  payload?: JsonDoc;
  step_payloads?: Record<string, JsonDoc>;
  steps: ReferenceStep[];
  /** Who gave it a payload, and who let it pass which gate. */
  givers: Set<string>;
  passers: { gate: number; actor: string }[];
  /** Verdicts by command id. */
  verdicts: Map<string, Verdict>;
}

export interface Verdict {
  status: "applied" | "refused";
  code?: string;
  reset_steps?: number;
}

export interface ReferenceStep {
  status: StepStatus;
  attempt: number;
  /** How often it was reset. */
  life: number;
  /** Large documents are being looked into for its condition; which were, in this life. */
  asking?: boolean;
  lookedUp: Set<string>;
  /** The classes of this life's failed attempts. */
  failures: string[];
  started_at?: number;
  finished_at?: number;
  error?: string;
  output?: JsonDoc;
  cause?: Cause;
  /** The time it waits for. */
  due?: number;
  /** Of a job: an attempt failed, and the next one has not begun. */
  rests?: boolean;
  approval?: ApprovalState;
  /** Its deadline is over, and it has stayed open. */
  overdue?: boolean;
  trigger?: TriggerState;
  emitting?: boolean;
  /** Of a sub-workflow: the life in which its child was named, and whether that was begun. */
  child?: { life: number; begun: boolean };
  /** Completed in the run that this one retries: never run here. */
  copied?: true;
}

export function beginReference(
  header: RunHeader,
  definitions: PlanStep[],
  kept: { step_ref: string; output?: JsonDoc }[],
): ReferenceRun {
  const at = header.created_at;
  const steps = definitions.map(({ step_ref, depends_on }): ReferenceStep => {
    const source = kept.find((step) => step.step_ref === step_ref);
    const fresh = { attempt: 1, life: 0, failures: [], lookedUp: new Set<string>() };
    return source
      ? { ...fresh, status: "completed", started_at: at, finished_at: at, output: source.output, copied: true }
      : { ...fresh, status: depends_on.length === 0 ? "pending" : "waiting" };
  });
  const { payload, step_payloads } = header;
  const begin = { status: "running", expires_at: timeLimit(header, at), payload, step_payloads } as const;
  return { header, definitions, ...begin, steps, givers: new Set(), passers: [], verdicts: new Map() };
}

/** The workflow's timeout_secs from now on, and never after its parent's end, unless that is past. */
export function timeLimit({ timeout_secs, expires_no_later_than }: RunHeader, at: number): number | undefined {
  const limits = [];
  if (timeout_secs) limits.push(at + timeout_secs * 1000);
  if (expires_no_later_than !== undefined && expires_no_later_than > at) limits.push(expires_no_later_than);
  return limits.length > 0 ? Math.min(...limits) : undefined;
}

const OVER = ["completed", "failed", "skipped", "canceled", "timed_out"];
export const isOver = ({ status }: { status: RunStatus | StepStatus }): boolean => OVER.includes(status);

export const indexOf = ({ definitions }: ReferenceRun, ref: string | undefined): number =>
  definitions.findIndex(({ step_ref }) => step_ref === ref);

export const dependenciesOf = (run: ReferenceRun, i: number): number[] =>
  (run.definitions[i] as PlanStep).depends_on.map((ref) => indexOf(run, ref));

export function stepsAfter(run: ReferenceRun, target: number): Set<number> {
  const after = new Set<number>();
  for (let size = -1; size !== after.size; ) {
    size = after.size;
    for (const i of run.steps.keys())
      if (dependenciesOf(run, i).some((d) => d === target || after.has(d))) after.add(i);
  }
  return after;
}

/** "When a step starts", 2: whether those that need this step may go on. */
export function letsGoOn({ steps, definitions }: ReferenceRun, i: number): boolean {
  const { status, cause } = steps[i] as ReferenceStep;
  if (status === "completed") return true;
  if (status === "skipped" && cause === "condition") return definitions[i]?.on_skip !== "skip_dependents";
  if (status === "skipped") return cause === "operator";
  return status === "failed" && definitions[i]?.on_failure === "continue";
}

const ROOM = { small: 50, medium: 20, large: 5 };

/** "When a step starts", 1 to 5; a next attempt that is due waits for a place as a start does. */
function mayStart(run: ReferenceRun, i: number): boolean {
  const step = run.steps[i] as ReferenceStep;
  const { concurrency_key, resource_class } = run.definitions[i] as PlanStep;
  const isNext = step.rests ? step.due === undefined : step.started_at === undefined;
  if (isOver(step) || step.asking || !isNext || (run.status === "paused" && !step.rests)) return false;
  // What has begun goes on, also when a dependency was reset meanwhile.
  if (!step.rests && !dependenciesOf(run, i).every((d) => letsGoOn(run, d))) return false;
  const running = run.definitions.filter((_, j) => run.steps[j]?.status === "running" && !run.steps[j]?.rests);
  if (run.header.max_parallel_steps && running.length >= run.header.max_parallel_steps) return false;
  if (concurrency_key && running.some((other) => other.concurrency_key === concurrency_key)) return false;
  return running.filter((other) => other.resource_class === resource_class).length < ROOM[resource_class];
}

export type Next =
  | { type: "run_finished" }
  | { type: "values_asked" | "step_started" | "attempt_started" | "step_skipped" | "step_failed"; step: number };

/** What happens next by itself. */
export function nextOf(run: ReferenceRun): Next | undefined {
  if (isOver(run)) return undefined;
  if (run.steps.every(isOver)) return { type: "run_finished" };
  const step = run.steps.findIndex((_, i) => mayStart(run, i));
  if (step < 0) return undefined;
  if (run.steps[step]?.rests) return { type: "attempt_started", step };
  const { condition } = run.definitions[step] as PlanStep;
  const { lookedUp } = run.steps[step] as ReferenceStep;
  const asksFor = condition === undefined ? [] : documentsIn(run, condition);
  if (asksFor.some((document) => document && "ref" in document && !lookedUp.has(document.ref)))
    return { type: "values_asked", step };
  try {
    const holds = condition === undefined || conditionHolds(run, condition);
    return { type: holds ? "step_started" : "step_skipped", step };
  } catch {
    return { type: "step_failed", step };
  }
}

/** The document that `outputs.<step>.n` or `payload.n` is in. */
function documentFor(run: ReferenceRun, ref: string): JsonDoc | undefined {
  const [root, step] = ref.split(".");
  return root === "payload" ? run.payload : run.steps[indexOf(run, step)]?.output;
}

/** Every document that a condition names, whether it comes to be looked at or not. */
function documentsIn(run: ReferenceRun, condition: Json): (JsonDoc | undefined)[] {
  const { left, operand, condition: inner, conditions } = condition as Record<string, Json>;
  const own = ((left ?? operand) as { ref?: string } | undefined)?.ref;
  const within = [...((conditions ?? []) as Json[]), ...(inner === undefined ? [] : [inner])];
  return [...(own === undefined ? [] : [documentFor(run, own)]), ...within.flatMap((one) => documentsIn(run, one))];
}

/** As far as the random plans go. */
function conditionHolds(run: ReferenceRun, condition: Json): boolean {
  const { type, ...of } = condition as Record<string, Json>;
  const statusOf = (ref: Json) => {
    const found = run.steps[indexOf(run, ref as string)];
    if (!found) throw new Error("unknown step");
    return found.status;
  };
  const all = of.conditions as Json[];
  const numberAt = (operand: Json): Json | undefined => {
    const content = contentOf(documentFor(run, (operand as { ref: string }).ref));
    return (content as { n?: Json } | undefined)?.n;
  };
  switch (type) {
    case "step_status":
      return statusOf(of.step_ref as Json) === of.status;
    case "step_status_in":
      return (of.statuses as Json[]).includes(statusOf(of.step_ref as Json));
    case "exists":
      return numberAt(of.operand as Json) !== undefined;
    case "gt": {
      const number = numberAt(of.left as Json);
      if (typeof number !== "number") throw new Error("no number");
      return number > (of.right as number);
    }
    case "not":
      return !conditionHolds(run, of.condition as Json);
    case "all_of":
      return all.every((one) => conditionHolds(run, one));
    case "any_of":
      return all.some((one) => conditionHolds(run, one));
    default:
      throw new Error(`a condition of type ${type}`);
  }
}
