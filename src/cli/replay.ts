import { status } from "@grpc/grpc-js";
import { Client, isGrpcServiceError, ServiceError, WorkflowNotFoundError } from "@temporalio/client";
import { NamespaceNotFoundError } from "@temporalio/common";
import { DefaultLogger, Runtime } from "@temporalio/worker";
import type { History } from "./divergence.ts";
import { replayHistories } from "./replay-history.ts";
import { ConfigError, loadDevConfig } from "../config.ts";
import { bundleWorkflows } from "../runtime/bundle.ts";
import { temporalOf } from "../runtime/servers.ts";
import { isUuid } from "../store/postgres/columns.ts";
import { connected, NoSuchNamespace } from "../temporal/connection.ts";

// `npm run replay -- RUN_ID`: exits with 0 when today's workflows decide as the run did, with 1 when not, with 2 when there is no answer.

const USAGE = "usage: npm run -s replay -- RUN_ID";

class Unanswered extends Error {}

/** The histories of all executions of a run, the first one first. A long run continues in a new execution, and so does a reopened one. */
async function historiesOf(client: Client, runId: string): Promise<History[]> {
  const histories: History[] = [];
  const { workflowExecutionInfo } = await client.workflow
    .getHandle(runId)
    .describe()
    .then(({ raw }) => raw);
  for (let execution: string | undefined = workflowExecutionInfo?.firstRunId ?? undefined; execution; ) {
    const history = await client.workflow.getHandle(runId, execution).fetchHistory();
    histories.push(history);
    execution = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return histories;
}

async function replay(runId: string): Promise<number> {
  const dev = loadDevConfig();
  const { temporalNamespace: namespace, temporalAddress = `127.0.0.1:${dev.temporalPort}` } = dev;
  const server = { ...dev, temporalAddress };
  // What goes wrong is told below, so the SDK need not log it.
  Runtime.install({
    logger: new DefaultLogger("ERROR", () => {}),
    telemetryOptions: { logging: { filter: "off" } },
  });
  const connection = await connected(server).catch((error) => {
    const none = `no Temporal server answers at ${temporalAddress} (TEMPORAL_ADDRESS)`;
    throw new Unanswered(temporalOf(server).refusal?.(error) ?? none);
  });
  const client = new Client({ connection, namespace });
  const histories = await historiesOf(client, runId).catch((error) => {
    if (error instanceof NamespaceNotFoundError)
      throw new Unanswered(temporalOf(server).refusal?.(new NoSuchNamespace(namespace)));
    if (isUnknown(error)) throw new Unanswered(`Temporal at ${temporalAddress} knows no run ${runId}`);
    throw error;
  });
  await connection.close();

  const bundle = await bundleWorkflows();
  const divergences = await replayHistories(bundle, histories);
  let diverged = 0;
  for (const [i, history] of histories.entries()) {
    const events = history.events ?? [];
    const execution = histories.length > 1 ? `execution ${i + 1} of ${histories.length}: ` : "";
    const divergence = divergences[i];
    if (!divergence) console.log(`${execution}${events.length} events, replays cleanly`);
    else {
      diverged++;
      const type = typeOf(events[divergence.event - 1]);
      console.log(
        `${execution}diverges at event ${divergence.event} of ${events.length}${type}: ${divergence.message}`,
      );
    }
  }
  return diverged > 0 ? 1 : 0;
}

/** By the one attribute that every event has besides its number, time and the like: `timerStartedEventAttributes`. */
function typeOf(event: object = {}): string {
  const found = Object.entries(event).find(([name, value]) => name.endsWith("EventAttributes") && value);
  return found ? ` (${found[0].replace("EventAttributes", "")})` : "";
}

const isUnknown = (error: unknown): boolean =>
  error instanceof WorkflowNotFoundError ||
  (error instanceof ServiceError && isUnknown(error.cause)) ||
  (isGrpcServiceError(error) && error.code === status.NOT_FOUND);

try {
  const [runId, ...more] = process.argv.slice(2);
  if (runId === undefined || more.length > 0) throw new Unanswered(USAGE);
  if (!isUuid(runId)) throw new Unanswered(`${runId} is not the id of a run (a UUID)\n${USAGE}`);
  process.exitCode = await replay(runId);
} catch (error) {
  const { message, stack } = error as Error;
  console.error(error instanceof Unanswered || error instanceof ConfigError ? message : stack);
  process.exitCode = 2;
}
