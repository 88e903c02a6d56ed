import { Problem } from "../errors.ts";

export const SCOPES = [
  "workflows:read",
  "workflows:write",
  "workflows:trigger",
  "jobs:read",
  "jobs:write",
  "jobs:trigger",
  "runs:read",
  "runs:write",
  "webhooks:read",
  "webhooks:write",
  "approvals:decide",
  "approvals:override",
] as const;
export type Scope = (typeof SCOPES)[number];

/** Who is asking, according to the bearer token. Approvals compare `actor`. */
export interface Caller {
  actor: string;
  /** Approvals name them as group:name. */
  groups?: string[];
  projects: string[] | "*";
  scopes: string[];
}

function hasProject(caller: Caller, projectId: string): boolean {
  return caller.projects === "*" || caller.projects.includes(projectId);
}

/** The project of a list or a creation: the requested one, or the caller's only one. */
export function projectOf(caller: Caller, asked?: string): string {
  if (asked) {
    if (hasProject(caller, asked)) return asked;
    throw new Problem("forbidden", "project_id is not one of your projects", ["project_id: not one of your projects"]);
  }
  const [only, ...others] = caller.projects === "*" ? [] : caller.projects;
  if (only === undefined || others.length > 0) {
    const none =
      caller.projects.length === 0
        ? ["token: is for no project: its claim projects has to be a list of them, or *"]
        : [];
    throw new Problem("validation_error", "project_id is required", ["project_id: required", ...none]);
  }
  return only;
}

/** A thing of another project is answered in the same words as one that does not exist. */
export function assertProject(caller: Caller, projectId: string, notFound: string): void {
  if (!hasProject(caller, projectId)) throw new Problem("not_found", notFound);
}

/** What was found under an id, if it is the caller's. */
export function own<Row extends { project_id: string }>(caller: Caller, row: Row | undefined, notFound: string): Row {
  if (!row) throw new Problem("not_found", notFound);
  assertProject(caller, row.project_id, notFound);
  return row;
}

const hasScope = ({ scopes }: Caller, scope: Scope): boolean => scopes.includes(scope) || scopes.includes("*");

/** Any one of the scopes is enough. */
export function assertScope(caller: Caller, ...scopes: Scope[]): void {
  if (!scopes.some((scope) => hasScope(caller, scope)))
    throw new Problem("forbidden", `insufficient permissions: requires ${scopes.join(" or ")}`);
}

/** What a command tells its run about its sender. */
export const senderOf = (caller: Caller): { actor: string; groups?: string[]; may_override: boolean } => ({
  actor: caller.actor,
  groups: caller.groups?.length ? caller.groups : undefined,
  may_override: hasScope(caller, "approvals:override"),
});
