import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  log,
  patched,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  uuid4,
  workflowInfo,
} from "@temporalio/workflow";
import type { BulkStatus } from "../../src/contract/bulk/operations.ts";
import {
  type BulkInput,
  type BulkOutcome,
  bulkOutcomeQuery,
  type BulkSignal,
  bulkSignals,
  type BulkState,
} from "./messages.ts";
import { BULK_VERBS, type BulkVerb, isBulkOver, steeredBulk } from "./status.ts";
import { COMMAND } from "../messages.ts";
import { bulkChunks, effects } from "../proxies.ts";
import { refusalsAmong, unknownSignal } from "../web-ui/refused-lately.ts";
import { preciseNow } from "../run/clock.ts";
import { oddIn, signalReason, signalText } from "../signal-text.ts";

/** Commands whose outcome the workflow itself remembers, of each leg; the store has them all. */
const REMEMBERED = 200;

/** One verb for many runs: chunk by chunk of the selection that Postgres holds, steered between the chunks. */
export async function bulkOperation({ operation_id, carried }: BulkInput): Promise<{ status: BulkStatus }> {
  const state: BulkState = carried?.state ?? { status: "running", revision: 0 };
  const outcomes = new Map(carried?.outcomes.map((outcome) => [outcome.id, outcome]));
  let unstored: BulkOutcome[] = [];
  let storedRevision = state.revision;

  /** Of this leg. */
  const refused: { verb: string; actor: string; at: number; status: "refused"; message?: string }[] = [];
  let progress = "";
  const show = () => setCurrentDetails([refusalsAmong(refused), progress].filter(Boolean).join("\n\n"));
  const refuse = (verb: string, actor: string, message: string) => {
    log.warn("command refused", { verb, actor, reason: message });
    refused.push({ verb, actor, at: Date.now(), status: "refused", message });
    if (refused.length > REMEMBERED) refused.shift();
    show();
  };
  const enter = (status: BulkStatus) => {
    state.status = status;
    state.revision++;
  };
  const steer = (verb: BulkVerb, signal: BulkSignal | undefined) => {
    const read = { id: signalText(signal?.id), actor: signalText(signal?.actor), reason: signalReason(signal?.reason) };
    // What comes with an id an API made, which may know fields that we don't yet.
    const isByHand = read.id === undefined;
    const { id = uuid4(), actor = "temporal", reason } = read;
    if (outcomes.has(id)) return;
    const odd = isByHand ? oddIn(signal, read) : undefined;
    // An operation that took such a signal before it was refused goes on as it did.
    const steered = odd && patched("odd-signals") ? { refused: odd.join("; ") } : steeredBulk(state.status, verb);
    const said = { id, verb, actor, reason, at: preciseNow() };
    const outcome: BulkOutcome =
      "refused" in steered ? { ...said, status: "refused", message: steered.refused } : { ...said, status: "applied" };
    if ("status" in steered) {
      enter(steered.status);
      // No request tells of what was sent by hand.
      if (isByHand) log.info(COMMAND, { verb, actor, outcome: "applied" });
    } else {
      state.revision++;
      refuse(verb, actor, steered.refused);
    }
    outcomes.set(id, outcome);
    unstored.push(outcome);
  };
  for (const verb of BULK_VERBS) setHandler(bulkSignals[verb], (signal) => steer(verb, signal));
  setDefaultSignalHandler((name) => refuse(name, "temporal", unknownSignal(name, BULK_VERBS)));
  setHandler(bulkOutcomeQuery, (id) => {
    const outcome = outcomes.get(id);
    return outcome ? { outcome, state } : null;
  });
  CancellationScope.current().cancelRequested.catch(() => steer("abort", { reason: "workflow was canceled" }));

  return CancellationScope.nonCancellable(async () => {
    for (;;) {
      if (isBulkOver(state.status) && state.finished_at === undefined) {
        state.finished_at = preciseNow();
        state.revision++;
      } else if (state.revision > storedRevision) {
        const commands = unstored;
        unstored = [];
        storedRevision = state.revision;
        await effects.storeBulkState({ operation_id, state: { ...state }, commands });
      } else if (isBulkOver(state.status)) {
        await condition(allHandlersFinished);
        return { status: state.status };
      } else if (workflowInfo().continueAsNewSuggested) {
        const remembered = [...outcomes.values()].slice(-REMEMBERED);
        await continueAsNew<typeof bulkOperation>({ operation_id, carried: { state, outcomes: remembered } });
      } else if (state.status === "paused") {
        await condition(() => state.revision > storedRevision);
      } else {
        const { pending, ...counts } = await bulkChunks.settleBulkChunk({ operation_id });
        progress = `${counts.applied} applied, ${counts.skipped} skipped, ${counts.failed} failed, ${pending} to go`;
        show();
        if (pending === 0 && !isBulkOver(state.status)) enter("completed");
      }
    }
  });
}
