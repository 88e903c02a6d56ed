import { setTimeout as sleep } from "node:timers/promises";
import { WorkflowNotFoundError } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { type Accepted, accepted } from "../accepted.ts";
import { checkedDecision } from "../gates/checked-decision.ts";
import { usedFor } from "../idempotency/bound-key.ts";
import { claimCommand } from "../idempotency/claim-key.ts";
import { outcomeOf } from "./await-outcome.ts";
import { endKnownToTemporal, notYetKnown } from "./end-deaf.ts";
import { versionToGoOnIn } from "./other-version.ts";
import { reopenRun } from "./reopen-run.ts";
import { savePayloads, unsavedPayloads } from "./save-payloads.ts";
import { logged } from "../command-log.ts";
import { mirrorRows } from "../mirror-rows.ts";
import { type Json, stringifyJson, unstored } from "../../contract/json.ts";
import type { EventTrigger } from "../../contract/events/event-trigger.ts";
import type { Approval, DryRun, StepRun, WorkflowRun } from "../../contract/runs.ts";
import type { RetryBody } from "../../contract/verbs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import { type Caller, senderOf } from "../../identity/caller.ts";
import { maybeStored } from "../../outage.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { previewCommand } from "../../queries/preview-command.ts";
import { findOwnRun, ownRun } from "../../queries/runs.ts";
import { findApproval } from "../../store/approvals/approvals.ts";
import { findCommand, findReply, type Reply, saveOutcome } from "../../store/commands.ts";
import { findRun } from "../../store/runs.ts";
import { saveDocument } from "../../store/documents.ts";
import { tellOfCommand } from "../../store/postgres/notifications.ts";
import { lookedFor, stored } from "../../temporal/in-time.ts";
import { askUntil } from "../../temporal/query-run.ts";
import { presentApproval } from "../../views/approval.ts";
import { presentEvent } from "../../views/event.ts";
import { presentRun } from "../../views/run.ts";
import { presentSteps } from "../../views/step.ts";
import { now } from "../../time/clock.ts";
import { type CommandOutcome, type CommandPayload, unknownStep, type Verb } from "../../../workflows/engine/command.ts";
import { applyCommand } from "../../../workflows/engine/commands.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { isStepRef } from "../../../workflows/engine/definition/validate.ts";
import { replyOf } from "../../../workflows/engine/mirror/view.ts";
import { commandOutcomeQuery, commandSignals } from "../../../workflows/messages.ts";

export interface Steering {
  runId: string;
  verb: Verb;
  stepRef?: string;
  reason?: string;
  comment?: string;
  /** reassign */
  approvers?: string[];
  /** extend */
  until?: string;
  option?: string;
  /** approve, choose: of the gate's form. */
  values?: Json;
  step_attempt?: number;
  shown_hash?: string;
  result?: Json;
  /** send-event: the key it is sent to. */
  eventKey?: string;
  payloads?: RetryBody;
  idempotencyKey?: string;
  /** Set by a bulk operation, which may try the same command again. */
  commandId?: string;
}

export type Steered =
  | Accepted
  | { run: WorkflowRun; step_run?: StepRun; approval?: Approval; event_trigger?: EventTrigger; reset_steps?: number };

/** Before each try: a run that is being started or reopened is known to Temporal within their sum, unless Temporal is busy. */
const PAUSES_MS = [0, 20, 100, 400, 1_500];

const MIRRORED_WITHIN_MS = 2_000;

const REOPENING: readonly Verb[] = ["retry", "replay-subtree"];

/**
 * A command to a run is sent as a signal. The run mirrors the outcome; if the mirror is behind, a query asks for it. A closed run is
 * not signalled: the engine's own rules say what it would answer, and a recovery that they allow reopens it.
 */
export function steerRun(deps: Deps, caller: Caller, steering: Steering): Promise<Steered> {
  const { runId: run, verb, stepRef: step } = steering;
  return logged(deps, { verb, run, step, actor: caller.actor }, () => steer(deps, caller, steering));
}

async function steer(deps: Deps, caller: Caller, steering: Steering): Promise<Steered> {
  const { db } = deps;
  const { runId, verb, stepRef, idempotencyKey: key, commandId } = steering;
  const row = await steeredRun(deps, caller, steering);
  const id = commandId ?? key ?? uuid();
  const earlier =
    commandId === undefined ? key && (await claimed(deps, row, key, steering)) : await findCommand(db, runId, id);
  if (earlier) return repeated(deps, row, earlier, steering);
  const { result: output, form_hash } = await checkedDecision(deps, caller, row, steering);
  const result =
    output === undefined ? undefined : await saveDocument(db, row.project_id, runId, stringifyJson(output));
  const in_version = await versionToGoOnIn(deps, caller, row, steering.payloads?.version);
  const payloads = await savePayloads(db, { ...row, ...in_version }, runId, steering.payloads ?? {});
  const said = { ...saidBy(steering), result, form_hash, ...payloads, in_version };
  const payload = { id, ...senderOf(caller), ...said };

  const send = async () => {
    let isOpen = !isRunOver(row.status);
    for (const pauseMs of PAUSES_MS) {
      if (pauseMs > 0) await sleep(pauseMs);
      if (isOpen && (await signal(deps, runId, verb, payload))) return undefined;
      // A run closes after its last state is mirrored, so this row is that of the closed run.
      const stored = await findOwnRun(deps, caller, runId);
      const closed = isRunOver(stored.status) ? stored : await endKnownToTemporal(deps, stored);
      if (closed) return reopen(deps, caller, closed, verb, payload, key !== undefined);
      isOpen = true;
    }
    throw notYetKnown();
  };
  const reply = await outcomeOf(deps, runId, {
    send,
    look: () => findReply(db, runId, id),
    ask: () => askedOfRun(deps, runId, id),
  });
  if (!reply) return accepted(deps, { run_id: runId, id, verb, step_ref: stepRef, actor: caller.actor });
  assertSame(reply.outcome, steering);
  return presentReply(deps, reply);
}

/** The outcome as the run tells it. Undefined: no worker could tell yet. */
async function askedOfRun(deps: Deps, runId: string, id: string): Promise<Reply | undefined> {
  const reply = await askUntil(deps, runId, () => true, commandOutcomeQuery, id);
  if (!reply) return undefined;
  // The run mirrors itself. Writing it here as well makes sure that the caller's next read shows what this answer says.
  await lookedFor(mirrorRows(deps, [reply.unmirrored]), MIRRORED_WITHIN_MS).catch((error) =>
    deps.log.warn({ error, run: runId }, "mirror is behind"),
  );
  return reply;
}

/** What a command would do, with nothing changed. It is refused as `steerRun` would refuse it. */
export async function previewSteering(deps: Deps, caller: Caller, steering: Steering): Promise<DryRun> {
  const { verb, payloads = {} } = steering;
  const row = await steeredRun(deps, caller, steering);
  const in_version = await versionToGoOnIn(deps, caller, row, payloads.version);
  const given = await unsavedPayloads(deps.db, { ...row, ...in_version }, payloads);
  const { result: output, form_hash } = await checkedDecision(deps, caller, row, steering);
  const result = output === undefined ? undefined : unstored(output);
  const said = { ...given, in_version, ...saidBy(steering), result, form_hash };
  return previewCommand(deps, row, { ...said, verb, ...senderOf(caller) });
}

const saidBy = ({
  stepRef,
  reason,
  comment,
  approvers,
  until,
  eventKey,
  option,
  step_attempt,
  shown_hash,
}: Steering): CommandPayload => ({
  ...{ step_ref: stepRef, reason, comment, event_key: eventKey, option, step_attempt, shown_hash, approvers, until },
});

async function steeredRun(deps: Deps, caller: Caller, { runId, verb, stepRef, eventKey }: Steering): Promise<RunRow> {
  const found = await findRun(deps.db, runId);
  // Who waits under a key has begun; its row may not be committed yet.
  if (!found && eventKey !== undefined) throw new Problem("unavailable", "the run that waits is not stored yet");
  const row = ownRun(caller, found);
  // No step can have this name, and the text would stay in the run's history.
  if (stepRef !== undefined && !isStepRef(stepRef)) throw refusal(unknownStep(verb, stepRef));
  return row;
}

async function signal(
  { db, log, temporal }: Deps,
  runId: string,
  verb: Verb,
  payload: CommandPayload & { id: string },
): Promise<boolean> {
  try {
    const run = temporal.workflow.getHandle(runId);
    await stored(temporal, () => run.signal(commandSignals[verb], payload), maybeStored(payload.id));
    tellOfCommand(db, runId, payload.id).catch((error) => log.warn({ error, run: runId }, "workers are not told"));
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Answers the outcome, if the run has heard this very command: it was sent twice at once, and may be what ended the run. */
async function reopen(
  deps: Deps,
  caller: Caller,
  row: RunRow,
  verb: Verb,
  payload: CommandPayload & { id: string; actor: string },
  isKeyed: boolean,
): Promise<Reply | undefined> {
  const runId = row.id;
  const heard = await findReply(deps.db, runId, payload.id);
  if (heard) return heard;
  const verdict = applyCommand(await mirroredRun(deps, row), { type: "command", verb, at: now(), ...payload });
  if (verdict.status === "refused") {
    // Its steps may have been deleted since the row was read.
    await findOwnRun(deps, caller, runId);
    const { id, actor, step_ref } = payload;
    if (isKeyed) await saveOutcome(deps.db, runId, { id, verb, actor, step_ref, at: now(), ...verdict });
    throw refusal(verdict);
  }
  if (!REOPENING.includes(verb)) throw new Error(`${verb} was not refused by a closed run`);
  await reopenRun(deps, row, verb, payload, maybeStored(payload.id));
  return undefined;
}

async function claimed(deps: Deps, row: RunRow, key: string, steering: Steering): Promise<CommandOutcome | undefined> {
  const { runId: _, verb, stepRef, idempotencyKey: __, commandId: ___, ...body } = steering;
  return (await claimCommand(deps, row, key, { verb, step_ref: stepRef, body })).outcome;
}

/** The same key has the same outcome, and shows things as they are now. */
async function repeated(deps: Deps, row: RunRow, outcome: CommandOutcome, steering: Steering): Promise<Steered> {
  assertSame(outcome, steering);
  const shown = replyOf(await mirroredRun(deps, row), outcome.step_ref);
  const approval = shown.step && (await findApproval(deps.db, shown.step.id));
  return presentReply(deps, { outcome, ...shown, approval });
}

function assertSame(outcome: CommandOutcome, { verb, stepRef }: Steering): void {
  if (outcome.verb !== verb || outcome.step_ref !== stepRef) throw usedFor("for another command");
}

async function presentReply(deps: Deps, reply: Reply): Promise<Steered> {
  const { outcome, run, step, approval, trigger } = reply;
  if (outcome.status === "refused") throw refusal(outcome);
  const [step_run] = step ? (await presentSteps(deps, [step])).items : [];
  return {
    run: await presentRun(deps, run),
    step_run,
    approval: approval && (await presentApproval(deps, approval)),
    event_trigger: trigger && (await presentEvent(deps, trigger)),
    reset_steps: outcome.reset_steps,
  };
}
