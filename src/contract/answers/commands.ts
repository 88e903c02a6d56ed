import { z } from "zod";
import { ERROR_CODES } from "./problem.ts";
import { time } from "../times.ts";

/** The 202 of a command that no worker could take yet. */
export const acceptedCommand = z
  .strictObject({ command_id: z.string(), status: z.literal("accepted") })
  .meta({ id: "AcceptedCommand", description: "The command is stored, and takes effect once." });

export const commandStatus = z
  .strictObject({
    command_id: z.string(),
    verb: z.string().describe('As its route is named; "cancel" for DELETE.'),
    step_ref: z.string().optional(),
    actor: z.string(),
    status: z.enum(["pending", "applied", "refused"]),
    accepted_at: time.optional().describe("When it was answered 202."),
    settled_at: time.optional().describe("When it was applied or refused."),
    reset_steps: z.int().optional(),
    code: z.enum(ERROR_CODES).optional(),
    error: z.string().optional(),
    message: z.string().optional(),
    details: z.array(z.string()).optional(),
  })
  .meta({
    id: "CommandStatus",
    description:
      "What became of a command: `code`, `error` and `details` are those that its verb would have been refused with.",
  });
export type CommandStatus = z.output<typeof commandStatus>;
