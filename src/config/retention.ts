import { z } from "zod";
import { parseRetention, RetentionError } from "../rules/retention.ts";

/** What src/rules/retention.ts reads. */
export const retention = z.string().superRefine((text, context) => {
  try {
    parseRetention(text);
  } catch (error) {
    if (!(error instanceof RetentionError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});
