import type { ApprovalExclusion } from "../../../src/contract/steps/approval.ts";
import type { CommandPayload } from "../command.ts";
import type { RunHeader } from "../plan.ts";

/** Who may decide an approval. */
export interface Gate {
  /** People, and groups as `group:name`. None: anyone. */
  approvers: string[];
  /** How many have to approve. Left out: one. */
  required?: number;
  exclude?: ApprovalExclusion[];
}

/** As stored definitions hold the gates of their sub-workflows: a list where the approvers are all there is to it. */
export type StoredGate = string[] | Gate;

export const gateOf = (stored: StoredGate): Gate => (Array.isArray(stored) ? { approvers: stored } : stored);

export const storedGate = (gate: Gate): StoredGate =>
  (gate.required ?? 1) <= 1 && !gate.exclude?.length ? gate.approvers : gate;

/** Who asks to decide or to pass a gate. */
export type Passer = Pick<CommandPayload, "may_override" | "groups"> & { actor: string };

const GROUP = "group:";

export const isGroup = (approver: string): boolean => approver.startsWith(GROUP);

/**
 * The entry of the list that makes somebody an approver; their own name where anyone is one. Undefined: they are none. Nobody is
 * a group by being called like one.
 */
export function approverAs(approvers: string[], { actor, groups = [] }: Passer): string | undefined {
  if (approvers.length === 0) return actor;
  if (!isGroup(actor) && approvers.includes(actor)) return actor;
  return groups.map((group) => GROUP + group).find((group) => approvers.includes(group));
}

/** What is known of a run that may exclude somebody: who started it, and who has approved gates of it. */
export interface Involved {
  created_by?: RunHeader["created_by"];
  approved: ReadonlySet<string>;
}

/** Why somebody may not decide a gate, be it by its approvers' right or in their place. Undefined: they may. */
export function exclusionOf({ exclude = [] }: Gate, actor: string, involved: Involved): string | undefined {
  if (exclude.includes("created_by") && actor === involved.created_by) return "they started the run";
  if (exclude.includes("previous_approvers") && involved.approved.has(actor))
    return "they approved another gate of the run";
  return undefined;
}

/**
 * Whether somebody may pass a gate that nobody has decided: by the right to override, or as its approver where one is enough.
 * Whoever is excluded may not, whatever rights they have.
 */
export function mayPassGate(gate: Gate, passer: Passer, involved: Involved): boolean {
  if (exclusionOf(gate, passer.actor, involved) !== undefined) return false;
  if (passer.may_override === true) return true;
  return (gate.required ?? 1) <= 1 && approverAs(gate.approvers, passer) !== undefined;
}
