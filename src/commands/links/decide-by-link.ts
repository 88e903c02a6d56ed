import { hashOf } from "./make-link.ts";
import { steerRun } from "../runs/steer-run.ts";
import { type Json, stringifyJson } from "../../contract/json.ts";
import type { Approval } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { findLink, noteUsed, type StoredLink } from "../../store/approvals/approval-links.ts";
import { findApproval } from "../../store/approvals/approvals.ts";
import { findRun, type StoredRun } from "../../store/runs.ts";
import { presentApproval } from "../../views/approval.ts";

/** What a link leads to: a gate that waits, or that it is over, or nothing. */
export type Opened =
  | { open: { link: StoredLink; gate: Approval; run: StoredRun } }
  | { over: "used" | "decided" | "expired" }
  | undefined;

/** Changes nothing: mail scanners open links, too. */
export async function openLink(deps: Deps, token: string): Promise<Opened> {
  const link = await findLink(deps.db, hashOf(token));
  if (!link) return undefined;
  if (link.used_at !== undefined) return { over: "used" };
  if (link.expires_at <= Date.now()) return { over: "expired" };
  const [row, run] = await Promise.all([findApproval(deps.db, link.step_run_id), findRun(deps.db, link.run_id)]);
  // A gate that asks again is another one, for which there is another link.
  if (!row || !run || row.requested_at !== link.requested_at || row.status === "timed_out") return { over: "expired" };
  if (row.status !== "pending") return { over: "decided" };
  if (!row.approvers.includes(link.person)) return { over: "expired" };
  return { open: { link, gate: await presentApproval(deps, row), run } };
}

export type Decision = { verb: "approve" | "reject" } | { verb: "choose"; option: string };

/**
 * As the person whose link it is, by the verb, with its rules. The command's id stands for the link and all that is said by it: sent
 * again, it is the same decision, and what was refused can be said otherwise. Answers whether it has taken effect; one that waits for
 * a worker will. Throws what the verb refuses.
 */
export async function decideByLink(
  deps: Deps,
  { link }: { link: StoredLink },
  decision: Decision,
  said: { comment?: string; values?: Json },
): Promise<"decided" | "accepted"> {
  const { person: actor, project_id, run_id: runId, step_ref: stepRef, attempt, token_hash, made_by } = link;
  const caller: Caller = { actor, projects: [project_id], scopes: ["approvals:decide"] };
  const commandId = `link/${hashOf(stringifyJson([token_hash, { ...decision, ...said }] as Json))}`;
  deps.log.info({ run: runId, step: stepRef, actor, made_by }, "decides by a link");
  const of = { runId, stepRef, commandId, step_attempt: attempt };
  const steered = await steerRun(deps, caller, { ...of, ...decision, ...said });
  await noteUsed(deps.db, link);
  return "accepted" in steered ? "accepted" : "decided";
}
