import { sha256 } from "@noble/hashes/sha2.js";
import type { RunTrace } from "./plan.ts";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/**
 * Ids of what belongs to a run, derived instead of stored: a UUIDv7 with the run's own time and bits that are a hash
 * of run, kind, step and generation. A replayed or reopened run finds the same ids again; a reset step gets new ones.
 */
const derived = (runId: string, what: string): string => {
  const hash = bytesToHex(sha256(utf8ToBytes(`${runId}/${what}`)));
  const variant = "89ab"[Number.parseInt(hash[3] ?? "0", 16) & 3];
  return `${runId.slice(0, 13)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
};

export const stepRunId = (runId: string, step: number): string => derived(runId, `step/${step}`);
/** Of a decision that nobody stores. */
export const decisionId = (runId: string, step_ref: string, reason: string): string =>
  derived(runId, `decision/${step_ref}/${reason}`);
export const jobRunId = (runId: string, step: number, generation: number): string =>
  derived(runId, `job/${step}/${generation}`);
export const childRunId = (runId: string, step: number, generation: number): string =>
  derived(runId, `child/${step}/${generation}`);

// The ids of spans follow from what they are of, instead of being stored: whoever exports one, before or after a worker died, exports
// the same.
const spanId = (of: string): string => bytesToHex(sha256(utf8ToBytes(of))).slice(0, 16);

/** As a run has it by whose trigger no trace came. */
export const traceIdOf = (runId: string): string => runId.replaceAll("-", "").toLowerCase();

export const runSpanId = (runId: string): string => spanId(`run/${runId}`);
/** Of a run that went on after its end, from then to its next end. */
export const reopenedSpanId = (runId: string, end: number): string => spanId(`run/${runId}/${end}`);
/** Of a step that calls a job: all attempts of the job run. */
export const jobRunSpanId = (jobRunId: string): string => spanId(`job-run/${jobRunId}`);
/** Of any other step. */
export const stepSpanId = (stepRunId: string, attempt: number): string => spanId(`step/${stepRunId}/${attempt}`);
/** For what is called or begun by such a step. */
export const traceWithin = (trace: RunTrace, stepRunId: string, attempt: number): RunTrace => ({
  ...trace,
  span_id: stepSpanId(stepRunId, attempt),
  links: undefined,
});
/** `attempt` is 1-based, within the job run. */
export const attemptSpanId = (jobRunId: string, attempt: number): string => spanId(`${jobRunId}/${attempt}`);
