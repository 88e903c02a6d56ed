import { z } from "zod";
import { json, line, map, members, prose, whole } from "../fields.ts";
import { MOST_STEPS } from "../steps.ts";
import { option } from "../steps/approval.ts";

/** Why an attempt of a job fails (docs/definitions.md, Failure classes). */
const failureClass = z.enum([
  "client",
  "auth",
  "rate_limited",
  "server",
  "timeout",
  "connection",
  "transient",
  "budget",
  "oom",
  "template",
  "unknown",
]);

/** A year, in seconds. */
const LONGEST = 31_622_400;
const MOST_ATTEMPTS = 1_000;

const failure = members({
  class: failureClass.optional(),
  error: prose(4096).optional(),
  status_code: z.int().min(300).max(599).optional().describe("What the endpoint answers. The class follows from it."),
  retry_after_secs: whole.min(0).optional().describe("How long the endpoint asks to be left alone."),
  attempts: z
    .int()
    .min(1)
    .max(MOST_ATTEMPTS)
    .optional()
    .describe("How many attempts fail before one succeeds. Without it, every attempt fails."),
});

/** Which members it may have follows from the type of the step. */
const outcome = members({
  output: json.optional().describe("Of a job, after its output_transform; of a sub-workflow."),
  failure: failure.optional(),
  decision: z.enum(["approve", "reject"]).optional(),
  option: option.optional().describe("Of an approval with options: the one that is chosen. Without it, the first."),
  values: json.optional().describe("Of an approval with a form."),
  by: line(255).optional().describe("Who decides. Without it, the first of the approvers."),
  reason: prose(4096).optional().describe("Of a rejection."),
  event: json.optional().describe("The payload of the event that the step waits for."),
  times_out: z.literal(true).optional().describe("Nobody decides, or sends the event."),
  duration_ms: z
    .number()
    .min(0)
    .max(LONGEST * 1000)
    .optional()
    .describe("How long it takes: of a job, each attempt. Without it, no time."),
  duration_secs: z.number().min(0).max(LONGEST).optional().describe("The same in seconds."),
});
export type GivenOutcome = z.output<typeof outcome>;

/** How steps end in a simulation, by step_ref. */
export const outcomes = map(outcome, MOST_STEPS, `too many outcomes (max ${MOST_STEPS})`).optional();
