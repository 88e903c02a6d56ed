import { WorkflowNotFoundError } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { mirroredAfter } from "./await-outcome.ts";
import { reopenRun } from "./reopen-run.ts";
import { savePayloads, unsavedPayloads } from "./save-payloads.ts";
import { type Json, stringifyJson } from "../../contract/json.ts";
import type { Approval, DryRun, EventTrigger, StepRun, WorkflowRun } from "../../contract/runs.ts";
import type { RetryBody } from "../../contract/verbs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { previewRecovery } from "../../queries/preview-recovery.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { findApproval } from "../../store/approvals.ts";
import { findCommand, findReply, type Reply } from "../../store/commands.ts";
import { saveDocument } from "../../store/documents.ts";
import { writeMirror } from "../../store/mirror.ts";
import { tellOfCommand } from "../../store/notices.ts";
import { askUntil } from "../../temporal/query-run.ts";
import { presentApproval, presentRun, presentSteps, presentTrigger } from "../../views/run.ts";
import type { CommandOutcome, CommandPayload, Verb } from "../../../workflows/engine/command.ts";
import { applyCommand } from "../../../workflows/engine/commands.ts";
import { type RecoveryVerb, unknownStep } from "../../../workflows/engine/recovery/rule.ts";
import type { RunRow } from "../../../workflows/engine/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { isStepRef } from "../../../workflows/engine/validate.ts";
import { shown } from "../../../workflows/engine/view.ts";
import { commandOutcomeQuery, commandSignals } from "../../../workflows/messages.ts";

export interface Steering {
  runId: string;
  verb: Verb;
  stepRef?: string;
  reason?: string;
  result?: Json;
  /** send-event: the key it is sent to. */
  eventKey?: string;
  payloads?: RetryBody;
  idempotencyKey?: string;
}

/** `accepted`: stored under this command id, and no worker could say yet what became of it. */
export type Steered =
  | { accepted: string }
  | { run: WorkflowRun; step_run?: StepRun; approval?: Approval; event_trigger?: EventTrigger; reset_steps?: number };

const REOPENING: readonly Verb[] = ["retry", "replay-subtree"];

/**
 * A command to a run: a signal, and its outcome as the run mirrors it, or else tells it to a query. A closed run is not signalled; what it would
 * say is read off the mirror by the engine's own rules, and a recovery that they allow opens it again.
 */
export async function steerRun(deps: Deps, caller: Caller, steering: Steering): Promise<Steered> {
  const { db } = deps;
  const { runId, verb, stepRef, idempotencyKey } = steering;
  const row = await steeredRun(deps, caller, steering);
  const id = idempotencyKey ?? uuid();
  if (idempotencyKey !== undefined) {
    const earlier = await findCommand(db, runId, id);
    if (earlier) return repeated(deps, row, earlier, steering);
  }
  const result =
    steering.result === undefined
      ? undefined
      : await saveDocument(db, row.project_id, runId, stringifyJson(steering.result));
  const payloads = await savePayloads(db, row, runId, steering.payloads ?? {});
  const { reason, eventKey: event_key } = steering;
  const payload = { id, actor: caller.actor, step_ref: stepRef, reason, result, event_key, ...payloads };

  const send = async () => {
    if (isRunOver(row.status) || !(await signal(deps, runId, verb, payload)))
      await reopen(deps, caller, runId, verb, payload);
  };
  const reply =
    (await mirroredAfter(deps, runId, send, () => findReply(db, runId, id))) ?? (await asked(deps, runId, id));
  if (!reply) return { accepted: id };
  assertSame(reply.outcome, steering);
  return present(deps, reply);
}

/** As the run itself tells it. Undefined: no worker could say yet. */
async function asked(deps: Deps, runId: string, id: string): Promise<Reply | undefined> {
  const reply = await askUntil(deps, runId, () => true, commandOutcomeQuery, id);
  if (!reply) return undefined;
  // The run mirrors itself; this makes sure that the caller's next list shows what this answer says.
  await writeMirror(deps.db, [reply.unmirrored]).catch((error) => deps.log.warn({ error, runId }, "mirror is behind"));
  return reply;
}

/** What a recovery would do: it answers what `steerRun` would answer where that is refused, and changes nothing. */
export async function previewSteering(
  deps: Deps,
  caller: Caller,
  steering: Steering & { verb: RecoveryVerb & Verb },
): Promise<DryRun> {
  const { verb, stepRef, reason, payloads = {} } = steering;
  const row = await steeredRun(deps, caller, steering);
  return previewRecovery(deps, row, {
    ...(await unsavedPayloads(deps.db, row, payloads)),
    verb,
    step_ref: stepRef,
    reason,
    actor: caller.actor,
  });
}

async function steeredRun(deps: Deps, caller: Caller, { runId, verb, stepRef }: Steering): Promise<RunRow> {
  const row = await findOwnRun(deps, caller, runId);
  // No step is named so, and the text would stay in the run's history.
  if (stepRef !== undefined && !isStepRef(stepRef)) throw new Problem("not_found", unknownStep(verb));
  return row;
}

async function signal(
  { db, log, temporal }: Deps,
  runId: string,
  verb: Verb,
  payload: CommandPayload & { id: string },
): Promise<boolean> {
  try {
    await temporal.workflow.getHandle(runId).signal(commandSignals[verb], payload);
    tellOfCommand(db, runId, payload.id).catch((error) => log.warn({ error, runId }, "workers are not told"));
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function reopen(
  deps: Deps,
  caller: Caller,
  runId: string,
  verb: Verb,
  payload: CommandPayload & { id: string; actor: string },
) {
  // A run closes only after its last state is mirrored, so this row is the closed run's.
  const row = await findOwnRun(deps, caller, runId);
  if (!isRunOver(row.status)) throw new Problem("unavailable", "workflow run is not known to Temporal yet");
  const verdict = applyCommand(await mirroredRun(deps, row), { type: "command", verb, at: Date.now(), ...payload });
  if (verdict.status === "refused") throw refusal(verdict);
  if (!REOPENING.includes(verb)) throw new Error(`${verb} was not refused by a closed run`);
  await reopenRun(deps, row, verb, payload);
}

/** The same key again: the same outcome, shown as things are now. */
async function repeated(deps: Deps, row: RunRow, outcome: CommandOutcome, steering: Steering): Promise<Steered> {
  assertSame(outcome, steering);
  const now = shown(await mirroredRun(deps, row), outcome.step_ref);
  const approval = now.step && (await findApproval(deps.db, now.step.id));
  return present(deps, { outcome, ...now, approval });
}

function assertSame(outcome: CommandOutcome, { verb, stepRef }: Steering): void {
  if (outcome.verb !== verb || outcome.step_ref !== stepRef)
    throw new Problem("conflict", "idempotency key was used for another command");
}

async function present(deps: Deps, reply: Reply): Promise<Steered> {
  const { outcome, run, step, approval, trigger } = reply;
  if (outcome.status === "refused") throw refusal(outcome);
  const [step_run] = step ? await presentSteps(deps, [step]) : [];
  return {
    run: await presentRun(deps, run),
    step_run,
    approval: approval && presentApproval(approval),
    event_trigger: trigger && (await presentTrigger(deps, trigger)),
    reset_steps: outcome.reset_steps,
  };
}
