import { expect } from "vitest";
import { z } from "zod";
import { type Json, stringifyJson } from "../../src/contract/json.ts";
import type { ErrorCode } from "../../src/contract/answers/problem.ts";
import type { Answered } from "../stack/harness.ts";

// Strict: a field that nobody knows, or one that is null, is a failure.

/** RFC3339 with a `Z`, at most microseconds, trailing zeros trimmed. */
export const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z$/);
export const id = z.uuid();
export const present = z.custom<Json>((value) => value !== undefined && value !== null, "must be there and not null");
export const tags = z
  .record(z.string(), z.string())
  .refine((all) => Object.keys(all).length > 0, "empty: to be left out");
export const text = z.string().min(1);
export const positive = z.int().positive();

export const run = z.strictObject({
  id,
  workflow_id: id,
  project_id: text,
  status: z.enum(["pending", "running", "paused", "completed", "failed", "timed_out", "canceled"]),
  triggered_by: text,
  workflow_version: positive,
  max_parallel_steps: positive.optional(),
  payload: present.optional(),
  error: text.optional(),
  started_at: time.optional(),
  finished_at: time.optional(),
  expires_at: time.optional(),
  retry_of_run_id: id.optional(),
  retried_by_run_id: id.optional(),
  parent_workflow_run_id: id.optional(),
  parent_step_run_id: id.optional(),
  trace_id: text.optional(),
  tags: tags.optional(),
  workflow_version_id: z.string().regex(/^ver_[0-9a-z]{12}$/),
  created_by: text,
  created_at: time,
  waiting_on: z
    .array(
      z.strictObject({
        step_ref: text,
        source: z.enum(["approval", "wait_for_event", "sleep"]),
        requested_at: time,
        expires_at: time.optional(),
        approvers: z.array(text).optional(),
        event_key: text.optional(),
      }),
    )
    .optional(),
});

export const stepRun = z.strictObject({
  id,
  workflow_run_id: id,
  workflow_step_id: id,
  step_ref: text,
  job_run_id: id.optional(),
  attempt: positive,
  status: z.enum(["pending", "waiting", "running", "completed", "failed", "skipped", "canceled"]),
  deps_completed: z.int().min(0),
  deps_required: z.int().min(0),
  output: present.optional(),
  error: text.optional(),
  started_at: time.optional(),
  finished_at: time.optional(),
  created_at: time,
});

const approval = z.strictObject({
  id: z.string().startsWith("approval:"),
  workflow_run_id: id,
  workflow_step_run_id: id,
  approvers: z.array(text),
  status: z.enum(["pending", "approved", "rejected", "timed_out", "overridden", "canceled"]),
  approved_by: text.optional(),
  requested_at: time,
  approved_at: time.optional(),
  expires_at: time.optional(),
  error: text.optional(),
  step_attempt: positive,
  shown_hash: text,
});

export const attempt = z.strictObject({
  attempt: positive,
  status: stepRun.shape.status,
  cause: z.enum(["operator", "condition", "dependency"]).optional(),
  job_run_id: id.optional(),
  output: present.optional(),
  error: text.optional(),
  approval: approval
    .pick({
      status: true,
      approved_by: true,
      requested_at: true,
      approved_at: true,
      expires_at: true,
      error: true,
      step_attempt: true,
      shown_hash: true,
    })
    .optional(),
  started_at: time.optional(),
  finished_at: time.optional(),
});

export const stepAnswer = z.strictObject({ step_run: stepRun });
export const gateAnswer = z.strictObject({ step_run: stepRun, approval });
export const resetAnswer = z.strictObject({ reset_steps: positive });

export const count = z.int().min(0);
export const bulkCanceled = z.strictObject({
  canceled: count,
  failed: count,
  workflow_run_ids: z.array(id),
  accepted: z.array(z.strictObject({ workflow_run_id: id, command_id: text })).optional(),
});
export const bulkReplayed = z.strictObject({
  replayed: count,
  failed: count,
  total: count,
  results: z.array(
    z.discriminatedUnion("status", [
      z.strictObject({ original_run_id: id, new_run_id: id, status: z.literal("replayed") }),
      z.strictObject({ original_run_id: z.string(), status: z.literal("failed"), error: text }),
    ]),
  ),
});

export const jobRun = z.strictObject({
  id,
  job_id: id,
  project_id: text,
  status: z.enum(["queued", "executing", "completed", "failed", "timed_out", "canceled", "expired", "dead_letter"]),
  attempt: positive,
  triggered_by: text,
  priority: z.int(),
  job_version: z.int(),
  job_version_id: text,
  debug_mode: z.boolean(),
  lineage_depth: count,
  execution_mode: z.literal("http"),
  workflow_run_id: id,
  workflow_step_run_id: id,
  payload: present.optional(),
  result: present.optional(),
  error: text.optional(),
  started_at: time.optional(),
  finished_at: time.optional(),
  expires_at: time.optional(),
  created_by: text,
  tags: tags.optional(),
  created_at: time,
});

export const triggered = z.strictObject({
  id,
  status: jobRun.shape.status,
  idempotency_hit: z.boolean(),
  payload_hash: z.string().regex(/^[0-9a-f]{64}$/),
  run_token: text,
});

export const eventTrigger = z.strictObject({
  id: z.string().regex(/^(evt|slp):/),
  event_key: text,
  project_id: text,
  source_type: z.literal("workflow_step"),
  trigger_type: z.enum(["event", "sleep"]),
  status: z.enum(["waiting", "held", "received", "timed_out", "canceled"]),
  timeout_secs: count,
  workflow_run_id: id.optional(),
  workflow_step_run_id: id.optional(),
  response_payload: present.optional(),
  requested_at: time,
  expires_at: time.optional(),
  received_at: time.optional(),
  error: text.optional(),
  notify_url: text.optional(),
  notify_status: z.enum(["pending", "sent", "failed"]).optional(),
  sent_by: text.optional(),
});

export const envelope = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ data: z.array(item), has_more: z.boolean(), next_cursor: text.optional() });

const problem = z.strictObject({
  error: text,
  code: text,
  message: text,
  details: z.array(text).min(1).optional(),
  request_id: text,
});
type ProblemBody = z.infer<typeof problem>;

/** Every answer's, whatever its status. */
function expectHeaders({ headers }: Answered<unknown>): void {
  expect(headers.get("x-api-version")).toBe("v1");
  expect(headers.get("x-request-id")).toBeTruthy();
  expect(headers.get("content-type")).toMatch(/^application\/json/);
}

/** A success of this status, its body of this shape. */
export function answered<Shape extends z.ZodType>(
  answer: Answered<unknown>,
  status: number,
  shape: Shape,
): z.infer<Shape> {
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
  expectHeaders(answer);
  const checked = shape.safeParse(answer.body);
  expect(checked.error, stringifyJson(answer.body)).toBeUndefined();
  return checked.data as z.infer<Shape>;
}

/** The error body of docs/definitions.md, complete, with nothing of what is inside. */
export function expectProblem(answer: Answered<unknown>): ProblemBody {
  expectHeaders(answer);
  const body = answered(answer, answer.status, problem);
  expect(body.message).toBe(body.error);
  expect(body.request_id).toBe(answer.headers.get("x-request-id"));
  expect(stringifyJson(body)).not.toMatch(
    /node_modules|\bat \S+ \(|postgres|temporal\.|grpc|sql|syntax at or near|\bzod\b|TypeError|undefined|\[object/i,
  );
  return body;
}

export function refused(
  answer: Answered<unknown>,
  status: number,
  code: ErrorCode,
  error: string | RegExp,
): ProblemBody {
  const body = expectProblem(answer);
  const text = typeof error === "string" ? error : expect.stringMatching(error);
  expect({ status: answer.status, ...body }).toMatchObject({ status, code, error: text });
  return body;
}
