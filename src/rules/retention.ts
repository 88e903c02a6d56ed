import type { RunStatus } from "../contract/runs.ts";

export const ENDS = ["completed", "failed", "timed_out", "canceled"] as const satisfies RunStatus[];
export type End = (typeof ENDS)[number];

/** What stays: runs that ended within so many days, and only so many of the newest. Without either, all of them. */
export interface Kept {
  days?: number;
  runs?: number;
}

interface Rule {
  /** Absent: of every project that has no rule of its own. */
  project?: string;
  status: End | "*";
  kept: Kept;
}

export interface Retention {
  rules: Rule[];
  /** How long an Idempotency-Key counts. */
  keys?: Pick<Kept, "days">;
}

const EXAMPLE = "completed=30d";
/** One that has the sign of a rule can't be named: whoever has put the wrong sign between two rules means no project. */
const PROJECT = /^[^=\p{Cc}]{1,255}$/u;

export class RetentionError extends Error {}

/**
 * Reads `completed=30d, failed=90d 10000runs, *=365d; acme: *=7d; keys=30d`: parts between semicolons, each of every project or of
 * one that it names.
 */
export function parseRetention(text: string): Retention {
  const retention: Retention = { rules: [] };
  for (const part of text.split(";").filter((part) => part.trim() !== "")) {
    const colon = part.lastIndexOf(":");
    const project = colon < 0 ? undefined : part.slice(0, colon).trim();
    if (project !== undefined && !PROJECT.test(project))
      throw new RetentionError(
        `has "${project}" before a colon, where the name of a project stands: rules have commas between them`,
      );
    for (const said of part.slice(colon + 1).split(",")) read(retention, project, said.trim());
  }
  if (retention.rules.length === 0 && !retention.keys)
    throw new RetentionError(`says nothing: it needs something like ${EXAMPLE}`);
  return retention;
}

function read(retention: Retention, project: string | undefined, said: string): void {
  const [name = "", limits, ...more] = said.split("=").map((side) => side.trim());
  if (!limits || more.length > 0) throw new RetentionError(`has "${said}" where it needs something like ${EXAMPLE}`);
  const of = project === undefined ? "" : ` of ${project}`;
  if (name === "keys") {
    const { days, runs } = keptBy(limits, said);
    if (project !== undefined) throw new RetentionError(`has keys${of}: keys are kept alike in every project`);
    if (runs !== undefined) throw new RetentionError(`has "${said}": keys are kept by days alone`);
    if (retention.keys) throw new RetentionError("says twice for how long keys are kept");
    retention.keys = { days };
    return;
  }
  const status = name === "*" ? name : ENDS.find((end) => end === name);
  if (!status) throw new RetentionError(`has "${name}", which is none of ${ENDS.join(", ")}, *, keys`);
  if (retention.rules.some((rule) => rule.project === project && rule.status === status))
    throw new RetentionError(`says twice what is kept of ${status}${of}`);
  retention.rules.push({ project, status, kept: keptBy(limits, said) });
}

const MOST = { d: 36_500, runs: 1_000_000_000 };

function keptBy(limits: string, said: string): Kept {
  if (limits === "forever") return {};
  const kept: Kept = {};
  for (const limit of limits.split(/\s+/)) {
    const [, digits, unit] = /^(\d{1,12})(d|runs)$/.exec(limit) ?? [];
    const number = Number(digits);
    const member = unit === "d" ? "days" : "runs";
    if (!unit || kept[member] !== undefined)
      throw new RetentionError(`has "${said}": what is kept is said as 30d, 1000runs, both, or forever`);
    const most = MOST[unit as keyof typeof MOST];
    if (number < 1 || number > most)
      throw new RetentionError(`has "${said}": it can be from 1${unit} to ${most}${unit}`);
    kept[member] = number;
  }
  return kept;
}

/** The narrowest rule counts: by the project first, then by the status. */
export function keptOf({ rules }: Retention, project: string, status: End): Kept {
  const places = [
    [project, status],
    [project, "*"],
    [undefined, status],
    [undefined, "*"],
  ];
  const find = ([of, name]: (string | undefined)[]) =>
    rules.find((rule) => rule.project === of && rule.status === name)?.kept;
  return places.map(find).find((kept) => kept !== undefined) ?? {};
}
