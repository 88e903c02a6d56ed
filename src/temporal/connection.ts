import { Client, isGrpcServiceError } from "@temporalio/client";
import { NativeConnection } from "@temporalio/worker";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { dataConverter } from "./payload-codec.ts";
import { DEFINITION_ATTRIBUTE, PROJECT_ATTRIBUTE, STATUS_ATTRIBUTE } from "../../workflows/messages.ts";

/** What runs can be searched by in Temporal's visibility store and Web UI; all are keywords. */
export const SEARCH_ATTRIBUTES = [PROJECT_ATTRIBUTE, DEFINITION_ATTRIBUTE, STATUS_ATTRIBUTE].map(({ name }) => name);
const KEYWORD = 2; // temporal.api.enums.v1.IndexedValueType
const ALREADY_EXISTS = 6; // gRPC status

/** One connection for client and worker: a run that is started where a worker is begins at once, without a poll between. */
export type Temporal = Client & { connection: NativeConnection };

export async function connectTemporal(
  { temporalAddress, temporalNamespace }: Pick<Config, "temporalAddress" | "temporalNamespace">,
  log: Logger,
): Promise<Temporal> {
  const connection = await NativeConnection.connect({ address: temporalAddress });
  await registerSearchAttributes(connection, temporalNamespace, log);
  return new Client({ connection, namespace: temporalNamespace, dataConverter }) as Temporal;
}

async function registerSearchAttributes(connection: NativeConnection, namespace: string, log: Logger): Promise<void> {
  const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, KEYWORD] as const));
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === ALREADY_EXISTS) return;
    // Not everyone may register them: a managed namespace has its operator do it.
    log.warn({ error, searchAttributes: SEARCH_ATTRIBUTES }, "search attributes could not be registered");
  }
}
