import { type Changes, noChanges } from "./changes.ts";
import type { CommandOutcome } from "../command.ts";
import type { MirrorRows, Shown } from "./rows.ts";
import type { Run } from "../run.ts";
import { tellWaits } from "../reasons/tell.ts";
import { isRunOver } from "../transitions.ts";
import { runRow, stepRow } from "./view.ts";

/** So many best-effort writes may be repeated by one that is certain. */
const MOST_UNACKNOWLEDGED = 100;
const LONGEST_UNACKNOWLEDGED_MS = 30_000;
/** By rules before 5, since the change before it. */
const LONGEST_AFTER_CHANGE_MS = 5_000;

/** All that the mirror may not have yet. */
export const unmirroredRows = (run: Run): MirrorRows =>
  rowsOf(run, [...(run.inFlight ?? []), ...run.unacknowledged, run.dirty]);

export const isMirrored = (run: Run): boolean =>
  run.inFlight === undefined && run.unacknowledged.length === 0 && !hasNews(run);

/** Something has changed that no write has taken. */
export const hasNews = ({ state, dirty }: Run): boolean => dirty.revision !== state.revision;

/** Begins a mirror write: hands over what it carries. `run.inFlight` is to be cleared when it has succeeded. */
export function takeUnmirrored(run: Run): MirrorRows {
  tellWaits(run);
  const changes = [...run.unacknowledged, run.dirty];
  const rows = rowsOf(run, changes);
  run.inFlight = changes;
  run.unacknowledged = [];
  run.dirty = noChanges(run.state.revision);
  return rows;
}

/** Nothing but steps has changed: no list of runs shows it, and nobody waits for it. */
export const isMinor = ({ state, dirty, unacknowledged }: Run): boolean =>
  !isRunOver(state.status) &&
  [...unacknowledged, dirty].every((c) => c.commands.length + c.approvals.size + c.triggers.size === 0) &&
  unacknowledged.length < MOST_UNACKNOWLEDGED;

/** Something was written by best effort so long ago that, if it was lost, readers have been waiting for it. */
export function isOverdue({ plan, unacknowledged: [first] }: Run, now: number): boolean {
  const { rules = 0 } = plan.run;
  const longest = rules >= 5 ? LONGEST_UNACKNOWLEDGED_MS : LONGEST_AFTER_CHANGE_MS;
  return rules > 0 && first !== undefined && first.revision < (now - longest) * 1000;
}

/**
 * For a write that may be lost with its worker: the next one that is certain carries the same again. `isRepeated`: this one
 * does, too.
 */
export function takeBestEffort(run: Run, isRepeated = false): MirrorRows {
  tellWaits(run);
  const { dirty, state, unacknowledged } = run;
  const rows = rowsOf(run, isRepeated ? [...unacknowledged, dirty] : [dirty]);
  const isTimed = (run.plan.run.rules ?? 0) >= 5;
  unacknowledged.push(isTimed ? { ...dirty, revision: state.revision } : dirty);
  run.dirty = noChanges(state.revision);
  return rows;
}

// Each row once: one write cannot change a row twice. Of two changes the later one counts.
const latest = <Row>(changes: Map<string, Row>[]): Row[] => [...new Map(changes.flatMap((rows) => [...rows])).values()];

const rowsOf = (run: Run, changes: Changes[]): MirrorRows => {
  const steps = new Set(changes.flatMap((c) => [...c.steps]));
  const attempts = changes.flatMap((c) => c.attempts);
  const commands = changes.flatMap((c) => c.commands);
  const decisions = changes.flatMap((c) => c.decisions);
  return {
    run: runRow(run),
    steps: [...steps].sort((a, b) => a - b).map((i) => stepRow(run, i)),
    approvals: latest(changes.map((c) => c.approvals)),
    triggers: latest(changes.map((c) => c.triggers)),
    job_runs: latest(changes.map((c) => c.jobRuns)),
    commands,
    ...(commands.length > 0 && { replies: repliesTo(run, commands) }),
    ...(attempts.length > 0 && { attempts }),
    ...(decisions.length > 0 && { decisions }),
  };
};

const repliesTo = ({ replies }: Run, commands: CommandOutcome[]): Record<string, Shown> =>
  Object.fromEntries(
    commands.flatMap(({ id }) => {
      const reply = replies.get(id);
      return reply ? [[id, reply]] : [];
    }),
  );
