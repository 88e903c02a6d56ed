import { CancellationScope, log, setDefaultSignalHandler, setHandler, uuid4 } from "@temporalio/workflow";
import type { JsonDoc } from "../../src/contract/json.ts";
import { type CommandPayload, type Verb, VERBS, VERBS_BETWEEN_RUNS } from "../engine/command.ts";
import type { InboundEvent } from "../engine/events.ts";
import { unmirroredRows } from "../engine/mirror/mirroring.ts";
import { previewOf } from "../engine/preview.ts";
import type { NewVersion, PlanStep } from "../engine/plan.ts";
import type { Run } from "../engine/run.ts";
import { STEP_KINDS } from "../engine/steps/index.ts";
import { replyOf, runRow, stepRow } from "../engine/mirror/view.ts";
import {
  childEndedSignal,
  COMMAND,
  commandOutcomeQuery,
  commandSignals,
  isDispatchingQuery,
  parentClosedSignal,
  previewQuery,
  runStateQuery,
  stepStatesQuery,
} from "../messages.ts";
import { oddIn, signalComment, signalReason, signalText } from "../signal-text.ts";
import { refusalInWords, unknownSignal } from "../web-ui/refused-lately.ts";

/** Registers every handler, before the first await: signals and the cancellation go into the inbox, queries read the run. */
export function receive(inbox: InboundEvent[], current: () => Run | undefined, rules: number): void {
  for (const verb of [...VERBS, ...VERBS_BETWEEN_RUNS]) {
    setHandler(commandSignals[verb], (payload) => {
      inbox.push({ type: "command", verb, ...readCommand(verb, payload) });
    });
  }
  setHandler(childEndedSignal, (end) => {
    inbox.push({ type: "child_ended", ...end });
  });
  setHandler(parentClosedSignal, ({ status }) => {
    inbox.push({ type: "parent_closed", status });
  });
  // A run of older rules never heard of such a signal, and its history goes on without it.
  if (rules >= 1)
    setDefaultSignalHandler((name) => {
      inbox.push({ type: "unknown_signal", id: uuid4(), name, message: unknownSignal(name, VERBS) });
    });
  CancellationScope.current().cancelRequested.catch(() => {
    inbox.push({ type: "cancel_requested" });
  });

  setHandler(runStateQuery, () => {
    const run = current();
    return run ? { run: runRow(run), unmirrored: unmirroredRows(run) } : null;
  });
  setHandler(stepStatesQuery, () => {
    const run = current();
    return run ? { run: runRow(run), steps: run.plan.steps.map((_, i) => stepRow(run, i)) } : null;
  });
  setHandler(isDispatchingQuery, (jobRunId) => {
    const run = current();
    return run ? run.state.steps.some((step) => step.job_run_id === jobRunId && step.status === "running") : null;
  });
  setHandler(previewQuery, (request) => {
    const run = current();
    return run ? previewOf(run.plan, run.state, request, Date.now()) : null;
  });
  setHandler(commandOutcomeQuery, (id) => {
    const run = current();
    const outcome = run?.outcomes.get(id);
    if (!run || !outcome) return null;
    return { outcome, ...(run.replies.get(id) ?? replyOf(run, outcome.step_ref)), unmirrored: unmirroredRows(run) };
  });
}

/**
 * Who sent it by hand sees no answer: so a refusal is in the log, and in what the Web UI shows of the run. What was applied without a
 * request that tells of it has a line as well.
 */
export function logOutcome(run: Run, event: InboundEvent): void {
  if (event.type !== "command" && event.type !== "unknown_signal") return;
  const { status, verb, actor, step_ref, code, message, details } = run.outcomes.get(event.id) ?? {};
  if (status === "refused")
    log.warn("command refused", { verb, actor, step_ref, code, reason: refusalInWords({ message, details }) });
  else if (status === "applied" && event.type === "command" && event.by_hand)
    log.info(COMMAND, { verb, actor, step_ref, outcome: status });
}

/**
 * A signal may be written by hand (`temporal workflow signal`): what it leaves out is filled in. What can't be read is dropped, and named
 * in `odd`.
 */
function readCommand(verb: Verb, payload: CommandPayload | undefined) {
  const fields: Partial<Record<keyof CommandPayload, unknown>> = payload ?? {};
  const command = commandOf(fields);
  // What runs tell each other they made themselves, and what comes with an id an API did, which may know fields that we don't yet.
  const by_hand = (fields.id === undefined && !(VERBS_BETWEEN_RUNS as readonly string[]).includes(verb)) || undefined;
  return { ...command, by_hand, odd: by_hand && oddIn(payload, command) };
}

function commandOf(fields: Partial<Record<keyof CommandPayload, unknown>>) {
  const {
    id,
    actor,
    may_override,
    groups,
    comment,
    approvers,
    until,
    option,
    step_attempt,
    shown_hash,
    form_hash,
    step_ref,
    reason,
    result,
    event_key,
    child_run_id,
    life,
    only_tell,
  } = fields;
  return {
    id: signalText(id) ?? uuid4(),
    actor: signalText(actor) ?? "temporal",
    may_override: typeof may_override === "boolean" ? may_override : undefined,
    groups: textsOf(groups),
    step_ref: signalText(step_ref),
    reason: signalReason(reason),
    comment: signalComment(comment),
    approvers: textsOf(approvers),
    until: signalText(until),
    option: signalText(option),
    step_attempt: typeof step_attempt === "number" ? step_attempt : undefined,
    shown_hash: signalText(shown_hash),
    form_hash: signalText(form_hash),
    result: documentOf(result),
    event_key: signalText(event_key),
    payload: documentOf(fields.payload),
    step_payloads: documentsOf(fields.step_payloads),
    in_version: versionOf(fields.in_version),
    child_run_id: signalText(child_run_id),
    life: typeof life === "number" ? life : undefined,
    only_tell: only_tell === true,
  };
}

/** A version that is none would fail the workflow task, and the run would hear nothing any more. Whether it makes sense is up to who writes it. */
function versionOf(value: unknown): NewVersion | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { steps, workflow_name, workflow_version, workflow_version_id } = value as Partial<NewVersion>;
  if (!Array.isArray(steps) || typeof workflow_version !== "number") return undefined;
  if (typeof workflow_name !== "string" || typeof workflow_version_id !== "string") return undefined;
  const refs = new Set(steps.map((step: Partial<PlanStep> | null) => step?.step_ref));
  const isStep = ({ id, step_ref, step_type, depends_on }: Partial<PlanStep>) =>
    typeof id === "string" &&
    typeof step_ref === "string" &&
    Object.hasOwn(STEP_KINDS, step_type ?? "") &&
    Array.isArray(depends_on) &&
    depends_on.every((ref) => refs.has(ref));
  return steps.every((step: Partial<PlanStep> | null) => step && isStep(step)) ? (value as NewVersion) : undefined;
}

const textsOf = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : undefined;

function documentsOf(value: unknown): Record<string, JsonDoc> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.fromEntries(Object.entries(value).map(([ref, doc]) => [ref, documentOf(doc) ?? { text: "null" }]));
}

function documentOf(value: unknown): JsonDoc | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "object" && ("text" in value || "ref" in value)) return value as JsonDoc;
  return { text: JSON.stringify(value) };
}
