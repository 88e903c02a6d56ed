import type { Answer } from "./answer.ts";

/** A command that no worker could take yet is stored and takes effect once: 202 with its id. Any other result is the answer. */
export function answerTo<Done extends object>(
  result: { accepted: string } | Done,
  show: (done: Done) => unknown = (done) => done,
): Answer {
  if ("accepted" in result) return { status: 202, body: { command_id: result.accepted, status: "accepted" } };
  return { body: show(result) };
}
