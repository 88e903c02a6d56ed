import pino, { type DestinationStream, type Logger } from "pino";
import pretty from "pino-pretty";
import type { Config } from "./config.ts";

/** What an error says for itself. Not its other members: those of a database's error hold values of rows. */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name: type, message, stack, cause } = error;
  const code: unknown = Reflect.get(error, "code");
  return { type, message, code, stack, ...(cause !== undefined && { cause: told(cause) }) };
}

/** Lines of JSON, or for people where it writes to a terminal or LOG_FORMAT says so. `to`: the standard output, unless told. */
export function createLog(
  { logLevel, logFormat }: Pick<Config, "logLevel" | "logFormat">,
  name?: string,
  to?: DestinationStream,
): Logger {
  const options = {
    level: logLevel,
    name,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: told, error: told },
  };
  const isPretty = logFormat === "pretty" || (logFormat === undefined && !to && process.stdout.isTTY);
  if (!isPretty) return to ? pino(options, to) : pino(options);
  const destination = to ?? process.stdout;
  return pino(options, pretty({ destination, colorize: !to && process.stdout.isTTY, ignore: "pid,hostname" }));
}
