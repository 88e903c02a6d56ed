import type { z } from "zod";
import { ignored, json, line, list, members } from "./fields.ts";
import { idempotencyKey } from "./idempotency.ts";
import type { Json, JsonText } from "./json.ts";
import type { JobRunStatus } from "./runs.ts";
import { tags } from "./tags.ts";

const said = {
  payload: json.optional(),
  tags: tags.optional(),
  idempotency_key: idempotencyKey.optional(),
  priority: ignored,
  metadata: ignored,
};

/** POST /v1/jobs/{id}/trigger */
export const jobTriggerBody = members({ project_id: line(255).optional(), ...said });
export type JobTriggerBody = z.output<typeof jobTriggerBody>;

/** POST /v1/jobs/{id}/trigger/bulk: each is a body of a trigger, and looked at by itself. */
export const bulkTriggerBody = members({ items: list(json, 100, 1) });

/** POST /v1/runs/{id}/replay: a payload in place of the one that the run had. */
export const replayBody = members({ payload: json.optional() });
export type ReplayBody = z.output<typeof replayBody>;

/** The run that a trigger made, or had made before under the same key. */
export interface Triggered {
  id: string;
  status: JobRunStatus;
  idempotency_hit: boolean;
  /** SHA-256 of what the endpoint is given. */
  payload_hash: string;
  run_token?: string;
}

/** What became of each of many triggers, in the order asked. */
export interface TriggeredBulk<Made = Triggered> {
  triggered: number;
  failed: number;
  results: (({ index: number } & Made) | BulkFailure)[];
}

export interface BulkFailure {
  index: number;
  status: "failed";
  code: string;
  error: string;
  details?: string[];
}

/** What a trigger or a replay would make, as `dryRun=true` answers it. */
export interface JobTriggerPlan {
  dry_run: true;
  run: {
    job_id: string;
    project_id: string;
    status: "queued";
    triggered_by: string;
    created_by: string;
    payload?: Json | JsonText;
    tags?: Record<string, string>;
  };
  payload_hash: string;
  /** Why it would be refused, as things stand; empty where it would not. */
  refused: { code: string; message: string }[];
}
