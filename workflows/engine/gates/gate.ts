import type { ApprovalExclusion } from "../../../src/contract/steps/approval.ts";

/** Who may decide an approval. */
export interface Gate {
  /** People, and groups as `group:name`; of one that has not opened, perhaps as references. None: anyone. */
  approvers: string[];
  /** How many have to approve. Left out: one. */
  required?: number;
  exclude?: ApprovalExclusion[];
  /** Of one in a sub-workflow: for what that is given it may be passed, and nobody asked. */
  may_pass?: true;
}

/** What a gate that has opened knows of who decides it. */
export interface Opened {
  approvers?: string[];
  /** Of one that needs several: who has put another one in their own place, and so has none, by whatever name. */
  handed_on?: string[];
}

/** As stored definitions hold the gates of their sub-workflows: a list where the approvers are all there is to it. */
export type StoredGate = string[] | Gate;

export const gateOf = (stored: StoredGate): Gate => (Array.isArray(stored) ? { approvers: stored } : stored);

export const storedGate = (gate: Gate): StoredGate =>
  (gate.required ?? 1) <= 1 && !gate.exclude?.length && !gate.may_pass ? gate.approvers : gate;

/** Who asks to decide or to pass a gate. */
export interface Passer {
  actor: string;
  may_override?: boolean;
  groups?: string[];
}

const GROUP = "group:";

export const isGroup = (approver: string): boolean => approver.startsWith(GROUP);

/** It stands for people who are known once the gate opens. */
export const isReference = (approver: string): boolean => approver.includes("{{");

/** The names of the groups among approvers. */
export const groupsAmong = (approvers: string[]): string[] =>
  approvers.filter(isGroup).map((approver) => approver.slice(GROUP.length));

/** What somebody may be called in a list of approvers. Nobody is a group, or what is referred to, by being called like it. */
export const approverNames = ({ actor, groups = [] }: Passer): string[] =>
  [...(isGroup(actor) ? [] : [actor]), ...groups.map((group) => GROUP + group)].filter((name) => !isReference(name));

/** The entry of the list that makes somebody an approver; their own name where anyone is one. Undefined: they are none. */
export const approverAs = (approvers: string[], passer: Passer): string | undefined =>
  approvers.length === 0 ? passer.actor : approverNames(passer).find((name) => approvers.includes(name));

/** What is known of a run that may exclude somebody: who started it, and who has approved which gates of it. */
export interface Involved {
  started_by: (string | undefined)[];
  /** By person, the gates. */
  approved: ReadonlyMap<string, ReadonlySet<string>>;
  /** The gates that have opened, by step_ref. Absent of a run that has not begun. */
  opened?: ReadonlyMap<string, Opened>;
}

/**
 * Why somebody may not decide a gate, be it by its approvers' right or in their place. Undefined: they may. `own`: the gate's
 * step_ref, since having approved it before is no reason.
 */
export function exclusionOf(
  { exclude = [] }: Gate,
  actor: string,
  involved: Involved,
  own: string | undefined,
): string | undefined {
  if (exclude.includes("created_by") && involved.started_by.includes(actor)) return "they started the run";
  const approved = [...(involved.approved.get(actor) ?? [])];
  if (exclude.includes("previous_approvers") && approved.some((gate) => gate !== own))
    return "they approved another gate of the run";
  return undefined;
}

/** Whether somebody may pass a gate that nobody has decided: by the right to override, or as its approver where one is enough. */
export const hasRightTo = (gate: Gate, passer: Passer): boolean =>
  passer.may_override === true || ((gate.required ?? 1) <= 1 && approverAs(gate.approvers, passer) !== undefined);

/** Who has a part in a run that no decision of a gate tells of. It is kept by retries. */
export interface Involvement {
  /** Besides its `created_by` and `retried_by`: who started a run that it retries, or gave it another payload. */
  started?: string[];
  /** Who let it pass a gate that nobody had decided, or whose approval of one was taken back while what it let pass stays. */
  passed?: { step_ref: string; by: string }[];
}
