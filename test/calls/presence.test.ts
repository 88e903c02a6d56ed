import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Presence } from "../../src/time/presence.ts";
import { AWAY_MS } from "../../workflows/timing.ts";

beforeEach(() => vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => vi.useRealTimers());

const stands = (ms: number) => vi.setSystemTime(Date.now() + ms);

test("a process that runs, however long, was never away", () => {
  const wasAway = new Presence(AWAY_MS).watched(Date.now());
  vi.advanceTimersByTime(3_600_000);
  expect(wasAway()).toBe(false);
});

test("a process that stood still is away for what came before, not for what comes after", () => {
  const presence = new Presence(AWAY_MS);
  const before = presence.watched(Date.now());
  stands(AWAY_MS + 1);
  expect(before()).toBe(true);
  const after = presence.watched(Date.now());
  vi.advanceTimersByTime(60_000);
  expect([before(), after()]).toEqual([true, false]);
});

test("it notices by itself, before anybody asks", () => {
  const presence = new Presence(AWAY_MS);
  const before = presence.watched(Date.now());
  stands(AWAY_MS + 1);
  vi.advanceTimersByTime(1_000);
  expect(before()).toBe(true);
});

test("a pause that is short enough is none", () => {
  const wasAway = new Presence(AWAY_MS).watched(Date.now());
  stands(AWAY_MS - 1);
  expect(wasAway()).toBe(false);
});

test("what was asked for meanwhile comes late; another clock that is far behind is not believed for long", () => {
  const presence = new Presence(AWAY_MS);
  const asked = Date.now() + 1;
  stands(20_000);
  const late = presence.watched(asked);
  expect(late()).toBe(true);
  vi.advanceTimersByTime(11_000);
  expect([presence.watched(asked)(), late()]).toEqual([false, true]);
});

test("a clock that is put back is no absence, and leaves none ahead", () => {
  const presence = new Presence(AWAY_MS);
  stands(AWAY_MS + 1);
  vi.advanceTimersByTime(1_000);
  const before = presence.watched(Date.now());
  stands(-3_600_000);
  const after = presence.watched(Date.now());
  vi.advanceTimersByTime(1_000);
  expect([before(), after()]).toEqual([false, false]);
});
