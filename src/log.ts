import pino, { type DestinationStream, type Logger } from "pino";
import pretty from "pino-pretty";
import type { Config } from "./config.ts";
import { isOutage } from "./outage.ts";
import { requestScope } from "./request-scope.ts";

/**
 * The parts of an error that are logged. Other members are not: those of a database's error hold values of rows. An outage is no bug,
 * and where it was met says nothing.
 */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name: type, message, stack, cause } = error;
  const code: unknown = Reflect.get(error, "code");
  return {
    type,
    message,
    code,
    ...(!isOutage(error) && { stack }),
    ...(cause !== undefined && { cause: told(cause) }),
  };
}

/** What is said for a request names it. */
function ofRequest(): { request_id?: string } {
  const scope = requestScope.getStore();
  return scope ? { request_id: scope.request_id } : {};
}

/** Writes JSON lines, or lines for people on a terminal or if LOG_FORMAT says so. `to` is the standard output unless given. */
export function createLog(
  { logLevel, logFormat }: Pick<Config, "logLevel" | "logFormat">,
  name?: string,
  to?: DestinationStream,
): Logger {
  const options = {
    level: logLevel,
    name,
    mixin: ofRequest,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: told, error: told },
  };
  const isPretty = logFormat === "pretty" || (logFormat === undefined && !to && process.stdout.isTTY);
  if (!isPretty) return to ? pino(options, to) : pino(options);
  const destination = to ?? process.stdout;
  return pino(options, pretty({ destination, colorize: !to && process.stdout.isTTY, ignore: "pid,hostname" }));
}
