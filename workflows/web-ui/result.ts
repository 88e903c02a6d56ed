import type { JsonDoc } from "../../src/contract/json.ts";
import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import type { Run } from "../engine/run.ts";
import { signalText } from "../signal-text.ts";
import { readable } from "./readable.ts";

/** Of a run of more steps only those that failed are told. */
const MOST_STEPS = 100;
/** Characters of outputs, in all. */
const MOST_OUTPUT = 4_000;

export interface StepResult {
  status: StepStatus;
  error?: string;
  output?: unknown;
}

/** What an execution ends with: read by people alone. */
export interface RunResult {
  status: RunStatus;
  /** By step_ref. */
  steps: Record<string, StepResult>;
}

/** What an execution that fails has besides its message, which names the step. `error`: the run's own, as it is mirrored. */
export interface RunFailure extends RunResult {
  error?: string;
}

export function resultOf({ plan, state }: Run): RunResult {
  let room = MOST_OUTPUT;
  const steps: [string, StepResult][] = [];
  for (const [i, { status, error, output }] of state.steps.entries()) {
    if (steps.length >= MOST_STEPS) break;
    if (state.steps.length > MOST_STEPS && status !== "failed") continue;
    const text = textOf(output);
    if (text !== undefined) room -= text.length;
    const shown = text !== undefined && room >= 0 ? { output: readable(text) } : {};
    steps.push([plan.steps[i]?.step_ref ?? "", { status, error, ...shown }]);
  }
  return { status: state.status, steps: Object.fromEntries(steps) };
}

/** A signal written by hand may have given anything as one. */
const textOf = (output: JsonDoc | undefined): string | undefined =>
  output && "text" in output ? signalText(output.text) : undefined;
