import { z } from "zod";

/**
 * The closed set of things that can go wrong for a caller (docs/definitions.md, Error codes). What status each becomes is
 * http/problems.ts's.
 */
export const ERROR_CODES = [
  "validation_error",
  "invalid_state",
  "approver_not_allowed",
  "unauthorized",
  "forbidden",
  "not_found",
  "method_not_allowed",
  "conflict",
  "payload_too_large",
  "rate_limited",
  "internal_error",
  "unavailable",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** The body of every answer that is not a success. */
export const problem = z
  .strictObject({
    error: z.string().describe("What is wrong, for people."),
    code: z.enum(ERROR_CODES),
    message: z.string().describe("The same text as `error`."),
    details: z.array(z.string()).optional().describe("What is wrong with each field, as the client wrote it."),
    request_id: z.string().describe("As the header `X-Request-Id` says it."),
  })
  .meta({ id: "Problem" });

/** One of many that was refused, as it would have been alone. `index`: its place among those asked. */
export const failedItem = z
  .strictObject({
    index: z.int().min(0),
    status: z.literal("failed"),
    code: z.enum(ERROR_CODES),
    error: z.string(),
    details: z.array(z.string()).optional(),
  })
  .meta({ id: "FailedItem" });
export type FailedItem = z.output<typeof failedItem>;
