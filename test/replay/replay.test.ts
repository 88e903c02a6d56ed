import { beforeAll, expect, inject, test } from "vitest";
import type { Divergence } from "../../src/cli/divergence.ts";
import { replayHistories } from "../../src/cli/replay-history.ts";
import { historyNames, readHistory } from "./histories.ts";
import "./quiet-runtime.ts";

let divergences: (Divergence | undefined)[];
beforeAll(async () => {
  divergences = await replayHistories({ codePath: inject("bundlePath") }, historyNames.map(readHistory));
});

test("there are histories of the examples, of every way a run can go on after its end, and of every size and lane", () => {
  expect(historyNames).toEqual(
    expect.arrayContaining([
      "release-train",
      "invoice-approval",
      "step-retried",
      "subtree-replayed",
      "reopened",
      "continued-as-new-1",
      "chain-continued-as-new-1",
      "wide-fan-out",
      "long-chain",
      "both-lanes",
      "expired-waits",
      "many-commands",
      "many-timers",
      "large-payloads",
      "bulk-operation",
      "rules-1/told-waits",
      "rules-1/retention-sweep",
      "rules-1/gate-over-time",
      "rules-1/gate-that-shows",
      "rules-3/gate-completed-by-force",
      "rules-4/gates-taken-back",
      "rules-4/gates-asked-again",
    ]),
  );
});

test.each(historyNames)("today's workflows decide as those that recorded %s.json", (name) => {
  expect(divergences).toHaveLength(historyNames.length);
  expect(divergences[historyNames.indexOf(name)]).toBeUndefined();
});
