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
  expect(retention.keys).toEqual({ days: 30 });
});

test("what has no rule is kept", () => {
  expect(keptOf(parseRetention("acme: *=1d"), "other", "completed")).toEqual({});
  expect(keptOf(parseRetention("failed=1d"), "acme", "completed")).toEqual({});
});

const NO_PROJECT = "before a colon, where the name of a project stands: rules have commas between them";
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
  ["completed=0d", 'has "completed=0d": it can be from 1d to 36500d'],
  ["*=0runs", 'has "*=0runs": it can be from 1runs to 1000000000runs'],
  ["*=1d, *=2d", "says twice what is kept of *"],
  ["acme: failed=1d; acme: failed=2d", "says twice what is kept of failed of acme"],
  [": *=1d", `has "" ${NO_PROJECT}`],
  ["completed=30d: failed=3d", `has "completed=30d" ${NO_PROJECT}`],
  ["failed=3d, acme: completed=3d", `has "failed=3d, acme" ${NO_PROJECT}`],
  [`${"p".repeat(256)}: *=1d`, `has "${"p".repeat(256)}" ${NO_PROJECT}`],
  [";", "says nothing: it needs something like completed=30d"],
  [" \n; ", "says nothing: it needs something like completed=30d"],
  ["acme: keys=1d", "has keys of acme: keys are kept alike in every project"],
  ["keys=100runs", 'has "keys=100runs": keys are kept by days alone'],
  ["*=1d; completed=2d; * = 3d", "says twice what is kept of *"],
  ["acme: *=1d; acme : *=forever", "says twice what is kept of * of acme"],
  ["keys=forever; keys=2d", "says twice for how long keys are kept"],
  ["keys=2d; keys=2d", "says twice for how long keys are kept"],
  ["keys=1d; keys=2d", "says twice for how long keys are kept"],
])("RETENTION=%s is told to be wrong in one sentence", (text, message) => {
  const load = () => loadDevConfig({ RETENTION: text });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(`Wrong configuration: RETENTION ${message}.`);
});
