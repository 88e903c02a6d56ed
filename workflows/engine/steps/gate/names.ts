import type { Fault } from "../fault.ts";

/** What is wrong with a list of approvers. */
export function* nameFaults(approvers: string[], field: string): Generator<Fault> {
  if (approvers.includes("")) yield { field, message: `${field} must not be empty names` };
  if (approvers.includes("group:")) yield { field, message: `${field} must name the group: group:name` };
}
