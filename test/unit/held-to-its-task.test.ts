import { msToTs } from "@temporalio/common/lib/time.js";
import type { coresdk } from "@temporalio/proto";
import { expect, test, vi } from "vitest";
import { heldToItsTask } from "../../src/runtime/held-to-its-task.ts";

type Activation = coresdk.workflow_activation.IWorkflowActivation;
type Completion = coresdk.workflow_completion.IWorkflowActivationCompletion;

const TIMEOUT_MS = 10_000;
const asks = { successful: { commands: [{ scheduleLocalActivity: {} }] } };
const asksNothing = { successful: { commands: [] } };
const ended = { jobs: [{ resolveActivity: { isLocal: true } }] };
const signalled = { jobs: [{ signalWorkflow: {} }] };

/** Activates a workflow that answers so, one after the other. What the workflow tasks before may be lost to is `current`. */
function worker({ current = true, answers }: { current?: boolean; answers: Completion[] }) {
  const inSandbox = vi.fn(async (_: Activation) => answers.shift() ?? asksNothing);
  const isCurrent = vi.fn(async () => current);
  const activate = heldToItsTask(
    inSandbox,
    { workflowId: "run", runId: "execution", taskTimeoutMs: TIMEOUT_MS },
    isCurrent,
  );
  return {
    inSandbox,
    isCurrent,
    activate: (historyLength: number, began: number, more: Activation) =>
      activate({ historyLength, timestamp: msToTs(began), ...more }),
  };
}

test("a young task goes on after its local activity, and Temporal is not asked", async () => {
  const { activate, isCurrent } = worker({ current: false, answers: [asks, asks, asksNothing] });
  const began = Date.now();
  await activate(3, began, signalled);
  await activate(3, began + 5, ended);
  expect(await activate(3, began + 10, ended)).toBe(asksNothing);
  expect(isCurrent).not.toHaveBeenCalled();
});

test.each([
  ["is as old as half of what it may take", TIMEOUT_MS / 2],
  ["began later than it is, by a clock that is wrong", -2_000],
])("Temporal is asked for a task that %s, and says that it is not lost", async (_, age) => {
  const { activate, isCurrent } = worker({ answers: [asks, asksNothing] });
  const began = Date.now() - age;
  await activate(3, began, signalled);
  expect(await activate(3, began, ended)).toBe(asksNothing);
  expect(isCurrent).toHaveBeenCalledWith({ workflowId: "run", runId: "execution" }, began);
});

test.each([
  ["the end of the activity", ended, 3],
  ["what comes with the next one", signalled, 9],
])(
  "a task that is lost while a local activity goes on ends with %s: the workflow does not hear of it",
  async (_, of, length) => {
    const { activate, inSandbox, isCurrent } = worker({ current: false, answers: [asks] });
    const began = Date.now() - TIMEOUT_MS;
    await activate(3, began, signalled);
    const { failed } = await activate(length, began + 1, of);
    expect(failed?.failure?.message).toContain("the workflow task was lost");
    expect(inSandbox).toHaveBeenCalledOnce();
    expect(isCurrent).toHaveBeenCalledWith(expect.anything(), began);
  },
);

test("the next one is asked for even if the one before was young", async () => {
  const { activate } = worker({ current: false, answers: [asks] });
  await activate(3, Date.now(), signalled);
  expect((await activate(9, Date.now(), signalled)).failed).toBeDefined();
});

test("what a replay has asked for goes on in another task, as long as that one is not lost", async () => {
  const { activate, isCurrent } = worker({ current: false, answers: [asks, asks] });
  await activate(3, Date.now() - 2 * TIMEOUT_MS, { ...signalled, isReplaying: true });
  const began = Date.now() - 100;
  expect(await activate(9, began, ended)).toBe(asks);
  expect(isCurrent).not.toHaveBeenCalled();
  expect((await activate(14, Date.now(), ended)).failed).toBeDefined();
  expect(isCurrent).toHaveBeenCalledWith(expect.anything(), began);
});

test("a task without a local activity is the SDK's own affair, and so is a query", async () => {
  const { activate, inSandbox, isCurrent } = worker({ current: false, answers: [asksNothing, asks] });
  await activate(3, Date.now() - TIMEOUT_MS, signalled);
  await activate(9, Date.now() - TIMEOUT_MS, signalled);
  await activate(9, 0, { jobs: [{ queryWorkflow: {} }], isReplaying: true });
  expect(inSandbox).toHaveBeenCalledTimes(3);
  expect(isCurrent).not.toHaveBeenCalled();
});
