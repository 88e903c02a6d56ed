import type { Cursor } from "../../contract/cursor.ts";
import type { Decision } from "../../contract/inspection.ts";
import type { Deps } from "../../deps.ts";
import { refusal } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findCanceler } from "../../store/accepted-commands.ts";
import { listDecisions, type StepDecision } from "../../store/decisions/run-decisions.ts";
import { stepsOfVersion } from "../../store/workflow-versions.ts";
import { type FoundDecision, presentDecision, reasonsOf } from "../../views/decision.ts";
import { unknownStep } from "../../../workflows/engine/command.ts";
import { stepRunId } from "../../../workflows/engine/ids.ts";
import type { Run } from "../../../workflows/engine/run.ts";
import { mirroredRun } from "../mirrored-run.ts";
import { fittingPageOf, type Page } from "../page.ts";
import { findOwnRun } from "../runs.ts";
import { derivedDecisions } from "./derived-decisions.ts";
import { pauseOf } from "./pause-of-run.ts";

interface Asked {
  step_ref?: string;
  decision_type?: Decision["decision_type"];
  cursor?: Cursor;
  limit: number;
}

/**
 * Why steps of a run wait, or ended without their own work, newest first: what the run has noted as it went on, and what its rows
 * say by themselves.
 */
export async function explainRun(deps: Deps, caller: Caller, runId: string, asked: Asked): Promise<Page<Decision>> {
  const { db } = deps;
  const row = await findOwnRun(deps, caller, runId);
  const [run, defined, canceler] = await Promise.all([
    mirroredRun(deps, row),
    stepsOfVersion(db, row.workflow_version_id),
    row.status === "canceled" ? findCanceler(db, row.id) : undefined,
  ]);
  const { step_ref, decision_type, cursor } = asked;
  const reasons = decision_type && reasonsOf(decision_type);
  const isAsked = (one: FoundDecision) =>
    (step_ref === undefined || one.step_ref === step_ref) &&
    (reasons === undefined || reasons.includes(one.reason.reason)) &&
    (cursor === undefined || isOlder(one, cursor));
  if (step_ref !== undefined && !defined.some((step) => step.step_ref === step_ref))
    throw refusal(unknownStep("explain", step_ref));
  const paused = row.status === "paused" ? await pauseOf(deps, run) : [];
  const derived = [...derivedDecisions(row, run, defined, canceler), ...paused].filter(isAsked);
  const step = step_ref === undefined ? undefined : (run.plan.index.get(step_ref) ?? -1);
  const read = async (limit: number) => {
    const noted = await listDecisions(db, { runId: row.id, step, reasons, cursor, limit });
    return [...derived, ...noted.map((one) => notedOf(run, one))].sort(newestFirst).slice(0, limit);
  };
  const show = async (found: FoundDecision[]) => found.map((one) => presentDecision(row.id, one));
  return fittingPageOf(asked.limit, read, show, ({ at, id }) => ({ at, id }));
}

function notedOf({ plan }: Run, { step, ...noted }: StepDecision): FoundDecision {
  const { step_ref = "", condition } = plan.steps[step] ?? {};
  const isSkipped = noted.reason.reason === "condition";
  return {
    ...noted,
    step_run_id: stepRunId(plan.run.id, step),
    step_ref,
    condition: isSkipped ? condition : undefined,
  };
}

const newestFirst = (a: FoundDecision, b: FoundDecision): number => b.at - a.at || (a.id < b.id ? 1 : -1);

/** Without an id, the cursor is a time: everything before it. */
const isOlder = ({ at, id }: FoundDecision, { at: before, id: last }: Cursor): boolean =>
  at < before || (at === before && last !== undefined && id < last);
