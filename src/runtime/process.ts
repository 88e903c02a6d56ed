import { ConfigError } from "../config.ts";

/** One press of Ctrl-C reaches a process that npm started twice: from the terminal and, a moment later, from npm. */
const SAME_PRESS_MS = 500;

/** What has failed may not be able to stop: a worker whose thread is stuck. */
const STOPS_WITHIN_MS = 20_000;

type Stop = () => Promise<unknown>;

/**
 * Runs `start`, then waits for SIGINT, SIGTERM or SIGHUP, also while it starts. What `start` handed to `onStop` is
 * then called, last first, and the process ends. A second signal ends it at once.
 */
export async function runProcess(start: (onStop: (stop: Stop) => void) => Promise<void>): Promise<void> {
  const stops: Stop[] = [];
  let stoppingSince: number | undefined;
  const end = async (exitCode: number) => {
    stoppingSince ??= Date.now();
    try {
      for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
    } catch (error) {
      console.error(error);
      process.exit(1);
    }
    process.exit(exitCode);
  };
  const onSignal = () => {
    if (stoppingSince === undefined) void end(0);
    else if (Date.now() - stoppingSince > SAME_PRESS_MS) process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, onSignal);
  try {
    await start((stop) => stops.push(stop));
  } catch (error) {
    // What fails because it was stopped half-way is no news.
    if (stoppingSince !== undefined) return;
    console.error(error instanceof ConfigError ? error.message : error);
    setTimeout(() => process.exit(1), STOPS_WITHIN_MS).unref();
    await end(1);
  }
}
