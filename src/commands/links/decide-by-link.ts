import { hashOf } from "./make-link.ts";
import { steerRun } from "../runs/steer-run.ts";
import { type Json, stringifyJson } from "../../contract/json.ts";
import type { Approval } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { findLink, noteUsed, type StoredLink } from "../../store/approvals/approval-links.ts";
import { findApproval } from "../../store/approvals/approvals.ts";
import { listOutcomes } from "../../store/commands.ts";
import { findRun, type StoredRun } from "../../store/runs.ts";
import { presentApproval } from "../../views/approval.ts";

/** What a link leads to: a gate that waits, or that it is over, or nothing. */
export type Opened =
  | { open: { link: StoredLink; gate: Approval; run: StoredRun } }
  | { over: "used" | "expired" | "anew" | "decided" | "late" | "canceled" | "others" }
  | undefined;

/** Changes nothing: mail scanners open links, too. */
export async function openLink(deps: Deps, token: string): Promise<Opened> {
  const link = await findLink(deps.db, hashOf(token));
  if (!link) return undefined;
  if (link.used_at !== undefined || (await hasDecided(deps, link))) return { over: "used" };
  if (link.expires_at <= Date.now()) return { over: "expired" };
  const [row, run] = await Promise.all([findApproval(deps.db, link.step_run_id), findRun(deps.db, link.run_id)]);
  // A gate that asks again is another one, for which there is another link.
  if (!row || !run) return { over: "expired" };
  if (row.requested_at !== link.requested_at) return { over: "anew" };
  if (row.status === "timed_out") return { over: "late" };
  if (row.status !== "pending") return { over: row.status === "canceled" ? "canceled" : "decided" };
  if (!row.approvers.includes(link.person)) return { over: "others" };
  return { open: { link, gate: await presentApproval(deps, row), run } };
}

export type Decision = { verb: "approve" | "reject" } | { verb: "choose"; option: string };

/**
 * As the person whose link it is, by the verb, with its rules. Sent again, it is the same decision; what was refused can be said again,
 * or otherwise. Answers whether it has taken effect; one that waits for a worker may, and uses up the link when it does. Throws what
 * the verb refuses.
 */
export async function decideByLink(
  deps: Deps,
  { link }: { link: StoredLink },
  decision: Decision,
  said: { comment?: string; values?: Json },
): Promise<"decided" | "accepted"> {
  const { person: actor, project_id, run_id: runId, step_ref: stepRef, attempt, made_by } = link;
  const caller: Caller = { actor, projects: [project_id], scopes: ["approvals:decide"] };
  const commandId = await commandOf(deps, link, { ...decision, ...said });
  deps.log.info({ run: runId, step: stepRef, actor, made_by }, "decides by a link");
  const of = { runId, stepRef, commandId, step_attempt: attempt };
  const steered = await steerRun(deps, caller, { ...of, ...decision, ...said });
  if ("accepted" in steered) return "accepted";
  await noteUsed(deps.db, link);
  return "decided";
}

/** The id of all commands of a link begins so. */
const commandsOf = ({ token_hash }: StoredLink): string => `link/${token_hash}/`;

/** Stands for the link, all that is said by it, and how often that was refused before. */
async function commandOf({ db }: Deps, link: StoredLink, said: object): Promise<string> {
  const id = `${commandsOf(link)}${hashOf(stringifyJson(said as Json))}/`;
  const outcomes = await listOutcomes(db, link.run_id, id);
  return `${id}${outcomes.filter(({ status }) => status === "refused").length}`;
}

/** What was accepted while no worker could take it counts by now. */
async function hasDecided({ db }: Deps, link: StoredLink): Promise<boolean> {
  const outcomes = await listOutcomes(db, link.run_id, commandsOf(link));
  return outcomes.some(({ status }) => status === "applied");
}
