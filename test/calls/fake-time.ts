import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import { afterEach, beforeEach, vi } from "vitest";

const real = { setTimeout: timers.setTimeout, setImmediate: timers.setImmediate };

/** Vitest's fake clock, on which the pauses of node:timers/promises go along: by itself it leaves those as they are. */
const faked: typeof real = {
  setTimeout: <T>(ms?: number, value?: T, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<T>((resolve, reject) => {
      setTimeout(resolve, ms, value as T);
      signal?.addEventListener("abort", () => reject(signal.reason));
    }),
  setImmediate: <T>(value?: T) =>
    new Promise<T>((resolve) => {
      setImmediate(resolve, value as T);
    }),
};

/** Time goes on only when a test says so. */
export function withFakeTime(): void {
  const use = (pauses: typeof real) => {
    Object.assign(timers, pauses);
    syncBuiltinESMExports();
  };
  beforeEach(() => {
    vi.useFakeTimers();
    use(faked);
  });
  afterEach(() => {
    vi.useRealTimers();
    use(real);
  });
}
