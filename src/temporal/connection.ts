import { status } from "@grpc/grpc-js";
import { Client, isGrpcServiceError } from "@temporalio/client";
import { NativeConnection } from "@temporalio/worker";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { within } from "../time/deadline.ts";
import { dataConverter } from "./payload-codec.ts";
import { SEARCH_ATTRIBUTES } from "../../workflows/web-ui/search-attributes.ts";

/** As temporal.api.enums.v1.IndexedValueType numbers them. */
const INDEXED_AS = { KEYWORD: 2, KEYWORD_LIST: 7 };

/** As they are registered. */
export const indexed = (attributes: typeof SEARCH_ATTRIBUTES) =>
  Object.fromEntries(attributes.map(({ name, type }) => [name, INDEXED_AS[type]] as const));

/** A server that takes longer to answer is taken to hang. */
const ANSWERS_WITHIN_MS = 10_000;

const KNOWN_YET_MS = 200;

/** One connection for client and worker: a run that is started in a process with a worker begins at once, without a poll. */
export type Temporal = Client & { connection: NativeConnection };

export type TemporalServer = Pick<Config, "temporalAddress" | "temporalTls" | "temporalApiKey">;

/** A connection of the SDK's of whatever kind is made with these. */
const connectionOptions = ({ temporalAddress, temporalTls, temporalApiKey }: TemporalServer) => ({
  address: temporalAddress,
  // Of its own accord the SDK would encrypt as soon as there is a key.
  tls: temporalTls ?? false,
  ...(temporalApiKey !== undefined && { apiKey: temporalApiKey }),
});

export class NoSuchNamespace extends Error {
  readonly namespace: string;

  constructor(namespace: string) {
    super(`Temporal has no namespace ${namespace}`);
    this.namespace = namespace;
  }
}

/** Throws NoSuchNamespace, or the error of a server that can't be reached. */
export async function connectTemporal(
  config: TemporalServer & Pick<Config, "temporalNamespace">,
  log: Logger,
): Promise<Temporal> {
  const { temporalNamespace } = config;
  const connection = await connected(config);
  try {
    await connection.withDeadline(Date.now() + ANSWERS_WITHIN_MS, async () => {
      await assertNamespace(connection, temporalNamespace);
      await registerSearchAttributes(connection, temporalNamespace, log);
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
  return withHardDeadlines(new Client({ connection, namespace: temporalNamespace, dataConverter }) as Temporal);
}

/**
 * The SDK's deadline ends each try of a request, but while connections break the SDK keeps trying for 10 s. Here the deadline ends
 * the waiting as well. The request may still arrive.
 */
function withHardDeadlines(client: Temporal): Temporal {
  const soft: Temporal["withDeadline"] = Client.prototype.withDeadline.bind(client);
  client.withDeadline = (deadline, act) => within(Number(deadline) - Date.now(), soft(deadline, act), lateAnswer);
  return client;
}

export const lateAnswer = () =>
  Object.assign(new Error("no answer in time"), { code: status.DEADLINE_EXCEEDED, details: "", metadata: {} });

/** The SDK would wait for ever for a server that takes a connection and is silent. */
export const connected = (server: TemporalServer): Promise<NativeConnection> =>
  within(ANSWERS_WITHIN_MS, NativeConnection.connect(connectionOptions(server)), () =>
    Object.assign(new Error("it does not answer"), { code: "ETIMEDOUT" }),
  );

async function assertNamespace(connection: NativeConnection, namespace: string): Promise<void> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) throw new NoSuchNamespace(namespace);
    // Not everyone is allowed to ask.
    if (isGrpcServiceError(error) && error.code === status.PERMISSION_DENIED) return;
    throw error;
  }
}

/** Those that are missing: a namespace may be of an earlier version. */
async function registerSearchAttributes(connection: NativeConnection, namespace: string, log: Logger): Promise<void> {
  const names = SEARCH_ATTRIBUTES.map(({ name }) => name);
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter(({ name }) => customAttributes?.[name] === undefined);
    if (missing.length === 0) return;
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: indexed(missing) });
    await known(connection, namespace, names);
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === status.ALREADY_EXISTS) return;
    // Not everyone is allowed to register them. In a managed namespace the operator does.
    log.warn({ error, searchAttributes: names }, "search attributes could not be registered");
  }
}

/** The server's caches take some seconds, in which it would refuse runs that have them. */
async function known({ workflowService }: NativeConnection, namespace: string, names: string[]): Promise<void> {
  const query = names.map((name) => `${name} is null`).join(" and ");
  for (;;) {
    try {
      await workflowService.countWorkflowExecutions({ namespace, query });
      return;
    } catch (error) {
      if (!isGrpcServiceError(error) || error.code !== status.INVALID_ARGUMENT) throw error;
    }
    await sleep(KNOWN_YET_MS);
  }
}
