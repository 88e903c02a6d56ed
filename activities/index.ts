import { settleBulkChunk, storeBulkState } from "./bulk-operation.ts";
import type { CallsInFlight } from "./calls/calls-in-flight.ts";
import type { Journal } from "./calls/journal.ts";
import { recall } from "./calls/recall.ts";
import { dispatching } from "./calls/dispatch-job.ts";
import { collectOutput } from "./collect-output.ts";
import { createEndpoints } from "./endpoint/endpoint-agent.ts";
import { findWaiting } from "./find-waiting.ts";
import { letGo } from "./let-go.ts";
import { lookUp } from "./look-up.ts";
import { loadCompleted, loadRun } from "./load-run.ts";
import { mirror, type MirrorWriter } from "./mirror.ts";
import { notifyWait } from "./notify-wait.ts";
import { openGate } from "./open-gate.ts";
import { openWait } from "./open-wait.ts";
import { deliverWebhook, giveUpWebhook } from "./webhooks/deliver.ts";
import { createMailer } from "./webhooks/mailer.ts";
import { prepareChild } from "./prepare-child.ts";
import { reopenRun } from "./reopen-run.ts";
import type { Deps } from "../src/deps.ts";
import type { Activities } from "../workflows/activity-types.ts";

/** `ownQueue`: the task queue that only this process takes from. */
export function createActivities(
  deps: Deps,
  ownQueue: string,
  calls: CallsInFlight,
  journal: Journal,
  writer: MirrorWriter,
): Activities {
  const endpoints = createEndpoints(deps.config.allowPrivateEndpoints);
  return {
    ...dispatching(deps, endpoints, ownQueue, calls, journal),
    recall: recall(deps),
    lookUp: lookUp(deps),
    openGate: openGate(deps),
    openWait: openWait(deps),
    notifyWait: notifyWait(deps, endpoints),
    prepareChild: prepareChild(deps),
    findWaiting: findWaiting(deps),
    collectOutput: collectOutput(deps),
    mirror: mirror(writer, deps.log),
    loadRun: loadRun(deps),
    reopenRun: reopenRun(deps),
    loadCompleted: loadCompleted(deps),
    settleBulkChunk: settleBulkChunk(deps),
    storeBulkState: storeBulkState(deps),
    letGo: letGo(deps),
    deliverWebhook: deliverWebhook(deps, endpoints, createMailer(deps.config)),
    giveUpWebhook: giveUpWebhook(deps),
  };
}
