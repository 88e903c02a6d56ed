import type { RunTrace } from "./engine/plan.ts";

/** A wait for an event, as it begins. */
export interface BegunWait {
  trigger_id: string;
  step_run_id: string;
  step_ref: string;
  event_key: string;
  /** 0: the wait has no end, nor expires_at. */
  event_timeout_secs: number;
  requested_at: number;
  expires_at?: number;
  notify_url?: string;
  revision: number;
}

export interface NotifyWaitInput {
  trigger_id: string;
  project_id: string;
  event_key: string;
  expires_at?: number;
  notify_url: string;
  /** Of a run in a trace: within the step. Absent in older histories. */
  trace?: RunTrace;
}
