import type { JsonDoc } from "../../src/contract/json.ts";
import type { RunStatus } from "../../src/contract/runs.ts";
import type { CommandPayload, Verb } from "./command.ts";
import type { Found, RenderedGate } from "./state.ts";
import type { FailureDetails } from "../failure-classes.ts";

/** What `decide` asks for. */
export type Decision =
  | { type: "run_finished" }
  | { type: "step_started"; step: number }
  | { type: "attempt_started"; step: number }
  | { type: "step_skipped"; step: number }
  /** The step can't be decided about before values of large documents are looked up. */
  | { type: "values_asked"; step: number }
  | { type: "step_failed"; step: number; error: string };

/** How work begun for a step went. News of an older generation of the step is ignored. */
type StepNews = { step: number; generation: number } & (
  | { type: "attempt_completed"; attempt: number; output?: JsonDoc }
  /** `random`: in [0, 1), spreads retries. */
  | ({ type: "attempt_failed"; attempt: number; class: string; error: string; random: number } & FailureDetails)
  | { type: "deadline_passed"; deadline: number }
  /** `notify`: its event_notify_url is to be told. Absent in older histories, where the activity told it. */
  | { type: "wait_opened"; event_key: string; notify?: true }
  | { type: "notified"; status: "sent" | "failed" }
  | ({ type: "gate_opened" } & RenderedGate)
  /** Also of a gate that can't be rendered. */
  | { type: "wait_refused"; error: string }
  | { type: "child_started" }
  | { type: "child_refused"; error: string }
  | { type: "emitted" }
  | { type: "values_found"; found: Record<string, Found> }
);

export type Command = CommandPayload & {
  type: "command";
  id: string;
  actor: string;
  verb: Verb;
  /** Its signal had no id: no request waits for what becomes of it. */
  by_hand?: true;
  /** What its signal said that can't be read. */
  odd?: string[];
};

/** An end that the run did not decide itself. What it left open is canceled, for that reason. */
export interface RunEnd {
  status: "completed" | "failed" | "timed_out" | "canceled";
  error?: string;
}

/** All that can happen to a run; `at` is the workflow's clock in epoch milliseconds. */
export type RunEvent = { at: number } & (
  | Decision
  | StepNews
  | Command
  | { type: "unknown_signal"; id: string; name: string; message: string }
  | { type: "cancel_requested" }
  | { type: "run_expired" }
  | ({ type: "ended_outside" } & RunEnd)
  | { type: "parent_closed"; status: "canceled" | "timed_out" }
  | { type: "child_ended"; child_run_id: string; status: RunStatus; error?: string; output?: JsonDoc; life?: number }
);

/** An event that the run has not applied yet. `due`: of a timer, the time that it was set for. */
export type InboundEvent = Untimed<RunEvent> & { due?: number };
type Untimed<Event> = Event extends unknown ? Omit<Event, "at"> : never;

export type AttemptEvent = InboundEvent & { type: "attempt_completed" | "attempt_failed" };
