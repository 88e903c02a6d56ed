import type { JsonDoc } from "../../src/contract/json.ts";
import type { StepOverride, VersionPolicy, WorkflowStep } from "../../src/contract/workflows.ts";
import type { Involvement, StoredGate } from "./gates/gate.ts";
import { reached } from "./reached.ts";

type InDocuments = "payload" | "approval_payload" | "approval_form";

/** A step as a run carries it: the definition's step, its payload as a document, without what only listings need. */
export type PlanStep = Omit<WorkflowStep, "workflow_id" | "created_at" | "job" | "workflow" | InDocuments> & {
  payload?: JsonDoc;
  approval_payload?: JsonDoc;
  /** Its text, whatever its size: rules and versions are compared by it. */
  approval_form?: { text: string };
  /** Of a sub_workflow step: which version of it runs. Absent: `pin`. */
  version_policy?: VersionPolicy;
  /** Of a sub_workflow step: each approval in it, at any depth. */
  gates_within?: StoredGate[];
};

/**
 * Today's rules of the interpreter. A run keeps those it began with, since its history holds what they decided. By 2 it tells
 * Temporal what it waits for (workflows/web-ui), which are events of its history, and hears timers as they were due. By 3 a gate
 * is completed by force only with what it could put out, and is kept in another version only where it would have let pass there.
 * By 4 who is excluded from a gate may have it ask again where that passes nothing, who has approved it is not excluded for that,
 * and who passes several gates at once, or gives a payload past one, is excluded as if by another request. By 5 a reference to a
 * step that is left out of the run leads nowhere, and not to what another step's name is the beginning of; and what merely goes on
 * is mirrored for certain half a minute after it was told in passing, and not after the change before it. By 6 a signal that says what
 * can't be read is refused, and a pause of a paused run that gives no reason takes none away. By 7 a run that is opened again by the
 * execution that was canceled goes on in another one. By 8 whoever changes what a gate is given needs a right to it also where a
 * member of the payload whose name begins with `run` says whom it asks, where it goes on though it could not be shown, and where it is
 * in a sub-workflow and may be passed there; and what a signal by hand brings is as long as it may be to be compared.
 */
export const RULES = 8;

/** A place in a trace, as W3C Trace Context names it. */
export interface SpanPlace {
  trace_id: string;
  span_id: string;
}

/** The trace of a run that was triggered while traces were on. */
export interface RunTrace {
  trace_id: string;
  /** Whose span the run is part of: the request's that triggered it, or the step's of its parent. */
  span_id?: string;
  /** The tracestate that came with the trigger. */
  state?: string;
  /** False: nothing of it is exported, here or by endpoints. */
  sampled: boolean;
  /** What it belongs to besides: the run that it retries, the request that made it among others. */
  links?: SpanPlace[];
}

/** What is fixed about a run from its beginning to its end. Times are epoch milliseconds, as everywhere in the engine. */
export interface RunHeader {
  id: string;
  workflow_id: string;
  workflow_name: string;
  project_id: string;
  workflow_version: number;
  workflow_version_id: string;
  triggered_by: string;
  created_by?: string;
  /** Who started it, where it or the run above it retries one of `created_by`. */
  retried_by?: string;
  involved?: Involvement;
  created_at: number;
  payload?: JsonDoc;
  tags?: Record<string, string>;
  labels?: Record<string, string>;
  max_parallel_steps?: number;
  timeout_secs?: number;
  /** A sub-workflow never outlives its parent: the parent's own expiry. */
  expires_no_later_than?: number;
  step_overrides?: StepOverride[];
  /** By step_ref, in place of the definition's: given by a recovery. */
  step_payloads?: Record<string, JsonDoc>;
  retry_of_run_id?: string;
  parent_workflow_run_id?: string;
  parent_step_run_id?: string;
  /** How many ancestors this run has as a sub-workflow. */
  depth: number;
  /** Absent: it is in no trace. */
  trace?: RunTrace;
  /** The interpreter's rules that this execution began with, see RULES. Absent in histories from before they were numbered: 0. */
  rules?: number;
}

/** What a version says of the runs that are of it. */
export type NewVersion = Pick<
  RunHeader,
  "workflow_name" | "workflow_version" | "workflow_version_id" | "max_parallel_steps" | "timeout_secs"
> & { steps: PlanStep[] };

/** The run's DAG, indexed once. Steps are spoken of by their index in definition order. */
export interface Plan {
  run: RunHeader;
  steps: PlanStep[];
  index: Map<string, number>;
  dependencies: number[][];
  dependents: number[][];
  /** Of an excerpt: the index of each step in the run. */
  numbers?: number[];
}

/** Indexes already validated steps (see validate.ts); overrides were applied by `enabledSteps`. */
export const planOf = (run: RunHeader, steps: PlanStep[], numbers?: number[]): Plan => ({
  run,
  steps,
  ...graphOf(steps),
  numbers,
});

/** A trigger of a job makes a run of one step, whose workflow is the job itself. */
export const isRunOfJob = ({ run, steps }: { run: Pick<RunHeader, "workflow_id">; steps: PlanStep[] }): boolean =>
  steps[0]?.job_id === run.workflow_id;

/** The DAG alone. */
export function graphOf(steps: PlanStep[]): Pick<Plan, "index" | "dependencies" | "dependents"> {
  const index = new Map(steps.map((step, i) => [step.step_ref, i]));
  const dependencies = steps.map((step) => step.depends_on.map((ref) => index.get(ref) as number));
  const dependents: number[][] = steps.map(() => []);
  for (const [i, parents] of dependencies.entries()) for (const parent of parents) dependents[parent]?.push(i);
  return { index, dependencies, dependents };
}

/** The steps left after overrides: a disabled step is gone, also from what others depend on. */
export function enabledSteps(steps: PlanStep[], overrides: StepOverride[] = []): PlanStep[] {
  const disabled = new Set(overrides.filter((o) => !o.enabled).map((o) => o.step_ref));
  if (disabled.size === 0) return steps;
  return steps
    .filter((step) => !disabled.has(step.step_ref))
    .map((step) => ({ ...step, depends_on: step.depends_on.filter((ref) => !disabled.has(ref)) }));
}

/** Every step that can only run after `root`, directly or not, in definition order, without `root`. */
export const descendantsOf = ({ dependents }: Plan, root: number): number[] =>
  [...reached([root], (i) => dependents[i] ?? [])].sort((a, b) => a - b);
