export const SWEEP_WORKFLOW_TYPE = "retentionSweep";
export const SWEEP_SCHEDULE_ID = "retention";

export interface Sweep {
  /** The rules, as RETENTION says them. */
  retention: string;
  /** By former slices. */
  deleted?: number;
}
