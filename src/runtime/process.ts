import type { Logger } from "pino";
import { ConfigError } from "../config.ts";

/** One press of Ctrl-C reaches a process that npm started twice: from the terminal and, a moment later, from npm. */
const SAME_PRESS_MS = 500;
/** After an error that nobody caught, so long may the rest take to end as it should. */
const CRASH_WITHIN_MS = 10_000;

/** What has failed may not be able to stop: a worker whose thread is stuck. */
const STOPS_WITHIN_MS = 20_000;

/** A process while it starts and runs. What it says when it stops, or dies, goes to `log`, and before there is one to the console. */
export interface Running {
  /** Called when the process stops, last first. `waitsFor` says what for, if there is anything. */
  onStop(stop: () => Promise<unknown>, waitsFor?: () => string | undefined): void;
  /** Aborted once the process is told to stop. */
  stopping: AbortSignal;
  log?: Logger;
}

/**
 * Runs `start`, then waits for SIGINT, SIGTERM or SIGHUP, also while it starts. What `start` handed to `onStop` is
 * then called, and the process ends. A second signal ends it at once. An error that nobody caught ends it likewise, as a
 * failure. (close-with-grace would take the second half of a Ctrl-C for a second signal, and only one thing to stop.)
 */
export async function runProcess(start: (running: Running) => Promise<void>): Promise<void> {
  const stops: { stop: () => Promise<unknown>; waitsFor?: () => string | undefined }[] = [];
  const stopping = new AbortController();
  const running: Running = {
    onStop: (stop, waitsFor) => stops.push({ stop, waitsFor }),
    stopping: stopping.signal,
  };
  const fail = (error: unknown, message: string) => {
    if (running.log) running.log.fatal({ err: error }, message);
    if (!running.log || process.stderr.isTTY) console.error(error);
  };

  let first: { signal?: NodeJS.Signals; at: number } | undefined;
  const end = async (exitCode: number, signal?: NodeJS.Signals) => {
    first ??= { signal, at: Date.now() };
    stopping.abort(new Error("the process is stopping"));
    try {
      for (let next = stops.pop(); next; next = stops.pop()) {
        const waitsFor = next.waitsFor?.();
        if (waitsFor) running.log?.info({ signal }, `stopping: waiting for ${waitsFor}`);
        await next.stop();
      }
    } catch (error) {
      fail(error, "the process could not stop as it should");
      process.exit(1);
    }
    if (signal) running.log?.info({ signal }, "stopped");
    process.exit(exitCode);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (!first) return void end(0, signal);
    const isSamePress = signal === "SIGINT" && first.signal === signal && Date.now() - first.at < SAME_PRESS_MS;
    if (!isSamePress) process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  const onCrash = (error: unknown) => {
    fail(error, "an error that nobody caught ends this process");
    if (first) process.exit(1);
    setTimeout(() => process.exit(1), CRASH_WITHIN_MS).unref();
    void end(1);
  };
  process.on("uncaughtException", onCrash);
  process.on("unhandledRejection", onCrash);

  try {
    await start(running);
  } catch (error) {
    // What fails because it was stopped half-way is no news.
    if (first) return;
    if (error instanceof ConfigError) console.error(error.message);
    else fail(error, "the process could not start, or go on");
    setTimeout(() => process.exit(1), STOPS_WITHIN_MS).unref();
    await end(1);
  }
}
