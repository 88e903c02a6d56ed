import { expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { startOwnPostgres } from "../../stack/own-servers.ts";
import { GATE } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";
import { stackOver } from "./own-server.ts";
import { commandSignals, stepStatesQuery } from "../../../workflows/messages.ts";

/** How long Postgres is away: as long as a run sleeps, that falls asleep just before. */
const AWAY_SECS = 15;
/** How soon lists have to be right once it is back: a second or two, unless the machine has much else to do. */
const SOON_MS = 2_000 * AWAY_SECS;

const own = stackOver(startOwnPostgres);

const stepStatuses = async ({ id }: { id: string }): Promise<Record<string, string>> => {
  const answer = await own.stack.deps.temporal.workflow.getHandle(id).query(stepStatesQuery);
  return Object.fromEntries(answer?.steps.map(({ step_ref, status }) => [step_ref, status]) ?? []);
};

test("while Postgres is away no run fails and nothing is lost, and lists are right soon after", async () => {
  const { server: postgres, stack, on } = own;
  const answer = stack.jobs.hold("/held");
  const gated = await on.start([GATE, { step_ref: "job", calls: "/job", depends_on: ["gate"] }]);
  const calling = await on.start([
    { step_ref: "held", calls: "/held" },
    { step_ref: "job", calls: "/job", depends_on: ["held"] },
  ]);
  const untouched = await on.start([GATE]);
  await Promise.all([on.opens(gated, "gate"), on.opens(untouched, "gate"), on.opens(calling, "held", "running")]);
  await until(() => stack.jobs.callsTo("/held").length === 1);
  const sleeping = await on.start([
    { step_ref: "nap", step_type: "sleep", sleep_duration_secs: AWAY_SECS },
    { step_ref: "job", calls: "/job", depends_on: ["nap"] },
  ]);
  await on.opens(sleeping, "nap");
  const draft = { project_id: "demo", name: "late", slug: "late", steps: [GATE] };

  await postgres.stop();
  // Each run goes on as far as it can: a call's answer arrives, a gate is approved, a timer fires.
  answer({ body: { answered: "while Postgres was away" } });
  const approval = { id: "by-hand", actor: "ada", step_ref: "gate" };
  await stack.deps.temporal.workflow.getHandle(gated.id).signal(commandSignals.approve, approval);
  const statuses = new Set<number>();
  const messages = new Set<string | undefined>();
  await until(
    async () => {
      const answers = await Promise.all([
        stack.request<{ error?: string }>("GET", "/v1/workflow-runs"),
        stack.request<{ error?: string }>("GET", `/v1/workflow-runs/${gated.id}`),
        stack.request<{ error?: string }>("GET", `/v1/workflow-runs/${gated.id}/steps`),
        stack.request<{ error?: string }>("POST", `/v1/workflows/${gated.workflow_id}/trigger`, {}),
        stack.request<{ error?: string }>("POST", "/v1/workflows", draft),
        stack.request<{ error?: string }>("DELETE", `/v1/workflow-runs/${untouched.id}`),
        on.steer(untouched, "approve", "gate"),
        on.steer(untouched, "pause"),
      ]);
      for (const { status, body } of answers) {
        statuses.add(status);
        messages.add(body.error);
      }
      return (await stepStatuses(sleeping)).nap === "completed";
    },
    { everyMs: 200 },
  );
  expect([...statuses]).toEqual([503]);
  expect([...messages]).toEqual(["a service this depends on cannot be reached, try again"]);
  expect(await stepStatuses(gated)).toEqual({ gate: "completed", job: "running" });
  expect(await stepStatuses(untouched)).toEqual({ gate: "waiting" });

  await postgres.start();
  await until(
    async () => {
      const { status, body } = await stack.request<WorkflowRun[]>("GET", "/v1/workflow-runs?status=completed");
      return status === 200 && body.length === 3;
    },
    { timeoutMs: SOON_MS },
  );
  const { body: runs } = await stack.request<WorkflowRun[]>("GET", "/v1/workflow-runs");
  expect(Object.fromEntries(runs.map(({ id, status }) => [id, status]))).toEqual({
    [gated.id]: "completed",
    [calling.id]: "completed",
    [sleeping.id]: "completed",
    [untouched.id]: "running",
  });
  expect(await on.step(calling, "held")).toMatchObject({ output: { answered: "while Postgres was away" }, attempt: 1 });
  expect(stack.jobs.callsTo("/held")).toHaveLength(1);
  expect(stack.jobs.callsTo("/job")).toHaveLength(3);
  expect(await on.steer(untouched, "approve", "gate")).toMatchObject({ status: 200 });
  expect(await on.ends(untouched)).toMatchObject({ status: "completed" });
});
