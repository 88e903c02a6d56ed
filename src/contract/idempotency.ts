import { z } from "zod";

/** What makes a repeated request the same request; a header, or a field of the trigger body. */
export const idempotencyKey = z
  .string()
  .regex(/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,255}$/u, "must be 1 to 255 printable characters");
