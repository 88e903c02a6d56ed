import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createWorkflow, gate, ok } from "../../api/definitions.ts";
import { cancelRun } from "../../../src/commands/runs/cancel-run.ts";
import { inTransaction } from "../../../src/store/postgres/transaction.ts";
import { answeringWithin } from "../../../src/temporal/in-time.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { calling } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
let admin: pg.Client;
beforeAll(async () => {
  stack = await startStack();
  admin = new pg.Client(stack.config.databaseUrl);
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await stack?.stop();
});

/** What is done while somebody else, a migration perhaps, keeps a table to themselves. */
async function whileLocked<Done>(table: string, act: () => Promise<Done>): Promise<Done> {
  await admin.query(`begin; lock table ${table} in access exclusive mode`);
  try {
    return await act();
  } finally {
    await admin.query("rollback");
  }
}

test("a command that Temporal has is not answered by an outage, though PostgreSQL tells nothing of it", async () => {
  const { id } = await createWorkflow(stack, [gate("gate")]);
  const run = await ok<{ id: string }>(stack, "POST", `/v1/workflows/${id}/trigger`, {});
  const path = `/v1/workflow-runs/${run.id}`;
  await until(async () => (await ok<{ status: string }>(stack, "GET", path)).status === "running");
  const answer = await whileLocked("run_commands", () => stack.request("POST", `${path}/pause`, {}));
  expect([200, 202]).toContain(answer.status);
  await until(async () => (await ok<{ status: string }>(stack, "GET", path)).status === "paused");
});

test("a statement that waits for a lock is ended before those are answered who wait for it", async () => {
  const { rows } = await stack.deps.db.query<{ statement_timeout: string }>("show statement_timeout");
  expect(rows).toEqual([{ statement_timeout: "14s" }]);
});

test("what is not committed when its caller is told of an outage is taken back", async () => {
  const { id } = await createWorkflow(stack, [gate("gate")]);
  const { db, temporal } = stack.deps;
  let change: Promise<unknown> | undefined;
  await whileLocked("workflows", async () => {
    const changing = answeringWithin(temporal, 300, () => {
      change = inTransaction(db, (client) =>
        client.query("update workflows set description = 'late' where id = $1", [id]),
      );
      return change;
    });
    await expect(changing).rejects.toThrow("no answer in time");
  });
  await expect(change).rejects.toThrow("try again");
  expect(await ok(stack, "GET", `/v1/workflows/${id}`)).not.toHaveProperty("description");
});

test("a cancel that took effect is told, though Temporal says nothing of what is below the run", async () => {
  const child = await createWorkflow(stack, [gate("gate")]);
  const { id } = await createWorkflow(stack, [calling(child)]);
  const run = await ok<{ id: string }>(stack, "POST", `/v1/workflows/${id}/trigger`, {});
  const asked = `/v1/approvals?status=pending&workflow_id=${child.id}`;
  await until(async () => (await ok<unknown[]>(stack, "GET", asked)).length === 1);
  const { temporal } = stack.deps;
  const { workflowService } = temporal;
  const silent = vi.spyOn(workflowService, "getWorkflowExecutionHistory").mockReturnValue(new Promise(() => {}));
  const caller = { actor: "ada", projects: [child.project_id], scopes: ["*"] };
  // As a request has 15 s.
  const canceling = answeringWithin(temporal, 4_000, () => cancelRun(stack.deps, caller, run.id));
  expect(await canceling.finally(() => silent.mockRestore())).toMatchObject({ of: run.id });
  expect(await ok(stack, "GET", `/v1/workflow-runs/${run.id}`)).toMatchObject({ status: "canceled" });
});
