import { expect, test } from "vitest";
import { ConfigError, loadDevConfig } from "../../src/config.ts";
import { keptOf, parseRetention } from "../../src/rules/retention.ts";

test("rules of every project and of one, by days, by count, and of keys", () => {
  const retention = parseRetention(
    "completed=30d, failed=90d 10000runs, *=365d; acme: completed=7d, canceled=forever; a:b : *=5runs; keys=30d;",
  );
  const kept = (project: string) =>
    (["completed", "failed", "timed_out", "canceled"] as const).map((status) => keptOf(retention, project, status));
  const year = { days: 365 };
  expect(kept("other")).toEqual([{ days: 30 }, { days: 90, runs: 10_000 }, year, year]);
  expect(kept("acme")).toEqual([{ days: 7 }, { days: 90, runs: 10_000 }, year, {}]);
  expect(kept("a:b")).toEqual([{ runs: 5 }, { runs: 5 }, { runs: 5 }, { runs: 5 }]);
  expect(retention.keyDays).toBe(30);
});

test("what has no rule is kept", () => {
  expect(keptOf(parseRetention(""), "acme", "completed")).toEqual({});
  expect(keptOf(parseRetention("acme: *=1d"), "other", "completed")).toEqual({});
  expect(keptOf(parseRetention("failed=1d"), "acme", "completed")).toEqual({});
});

const LIMITS = "what is kept is said as 30d, 1000runs, both, or forever";

test.each([
  ["30d", 'has "30d" where it needs something like completed=30d'],
  ["completed", 'has "completed" where it needs something like completed=30d'],
  ["completed=", 'has "completed=" where it needs something like completed=30d'],
  ["completed=30d,", 'has "" where it needs something like completed=30d'],
  ["completed=30d=1", 'has "completed=30d=1" where it needs something like completed=30d'],
  ["complete=30d", 'has "complete", which is none of completed, failed, timed_out, canceled, *, keys'],
  ["running=30d", 'has "running", which is none of completed, failed, timed_out, canceled, *, keys'],
  ["completed=30", `has "completed=30": ${LIMITS}`],
  ["completed=1.5d", `has "completed=1.5d": ${LIMITS}`],
  ["completed=-1d", `has "completed=-1d": ${LIMITS}`],
  ["completed=30d 40d", `has "completed=30d 40d": ${LIMITS}`],
  ["completed=30d forever", `has "completed=30d forever": ${LIMITS}`],
  ["completed=0d", 'has "completed=0d": d go from 1 to 36500'],
  ["*=0runs", 'has "*=0runs": runs go from 1 to 1000000000'],
  ["*=1d, *=2d", "says twice what is kept of *"],
  ["acme: failed=1d; acme: failed=2d", "says twice what is kept of failed of acme"],
  [": *=1d", 'names no project before the colon of ": *=1d"'],
  ["acme: keys=1d", "has keys of acme: keys are kept alike in every project"],
  ["keys=100runs", 'has "keys=100runs": keys are kept by days alone'],
  ["keys=1d; keys=2d", "says twice for how long keys are kept"],
])("RETENTION=%s is told to be wrong in one sentence", (text, message) => {
  const load = () => loadDevConfig({ RETENTION: text });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(`Wrong configuration: RETENTION ${message}.`);
});
