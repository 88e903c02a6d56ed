import { z } from "zod";
import { json, whole } from "../fields.ts";
import { type StepSchema, word } from "./schema.ts";

export const job = {
  fields: {
    job_id: word.optional(),
    job: word.optional(),
    payload: json.optional(),
    retry_max_attempts: whole.optional(),
    retry_backoff: z.string().default("exponential"),
    retry_initial_delay_secs: whole.optional(),
    retry_max_delay_secs: whole.optional(),
    timeout_secs_override: whole.optional(),
    output_transform: word.optional(),
    event_emit_key: word.optional(),
  },
  aliases: {},
  toldBy: ["job_id", "job"],
} satisfies StepSchema;
