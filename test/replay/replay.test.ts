import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { beforeAll, expect, inject, test } from "vitest";
import { dataConverter } from "../../src/temporal/payload-codec.ts";
import { historyNames, readHistory } from "./histories.ts";

/** Why a history cannot be replayed by today's workflows, by its name. */
const divergences = new Map<string, string | undefined>();
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger("ERROR", () => {}) });
  const histories = historyNames.map((name) => ({ workflowId: name, history: readHistory(name) }));
  const workflowBundle = { codePath: inject("servers").bundlePath };
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle, dataConverter }, histories))
    divergences.set(workflowId, error?.message);
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
    ]),
  );
});

test.each(historyNames)("today's workflows decide as those that recorded %s.json", (name) => {
  expect(divergences.has(name)).toBe(true);
  expect(divergences.get(name)).toBeUndefined();
});
