import type { Logger } from "pino";
import { ConfigError } from "../config.ts";

/** If npm started the process, one press of Ctrl-C reaches it twice: from the terminal and, a moment later, from npm. */
const SAME_PRESS_MS = 500;
/** How long stopping may take after an error that nobody caught. */
const CRASH_WITHIN_MS = 10_000;

/** How long stopping may take after `start` has failed: a worker whose thread is stuck can't stop. */
const STOPS_WITHIN_MS = 20_000;

/** A process while it starts and runs. What it says when it stops goes to `log`, or to the console while there is none. */
export interface Running {
  /** `stop` is called when the process stops, the last one first. `waitsFor` says what it waits for, if anything. */
  onStop(stop: () => Promise<unknown>, waitsFor?: () => string | undefined): void;
  /** Aborted once the process is told to stop. */
  stopping: AbortSignal;
  log?: Logger;
  /** While it starts: which component, as /health/ready names it, can't be reached and is waited for; none once it is. */
  waits?(component: string | undefined): void | Promise<void>;
  /** To who has started it by hand, and sees no log. */
  say?(line: string): void;
}

/**
 * Runs `start`. On SIGINT, SIGTERM or SIGHUP, also while it starts, calls what was handed to `onStop`, and ends the process. A second
 * signal ends it at once. An uncaught error or an unhandled rejection stops it in the same way, with exit code 1. (With
 * close-with-grace, any second signal ends the process, so the second half of a Ctrl-C under npm would cut off the stopping.)
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
        if (waitsFor) {
          running.log?.info({ signal }, `stopping: waiting for ${waitsFor}`);
          running.say?.(`Waiting for ${waitsFor} ...`);
        }
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
    // It failed because it was stopped while it started.
    if (first) return;
    if (error instanceof ConfigError) console.error(error.message);
    else fail(error, "the process could not start, or go on");
    setTimeout(() => process.exit(1), STOPS_WITHIN_MS).unref();
    await end(1);
  }
}
