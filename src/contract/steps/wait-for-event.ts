import { line, whole } from "../fields.ts";
import { type StepSchema, word } from "./schema.ts";

export const waitForEvent = {
  fields: {
    event_key: word.optional(),
    event_timeout_secs: whole.optional(),
    event_notify_url: line(2048).optional(),
    event_emit_key: word.optional(),
  },
  aliases: {},
  timeout: "event_timeout_secs",
  toldBy: ["event_key"],
} satisfies StepSchema;
