import { afterAll, beforeAll, expect, test } from "vitest";
import type { BulkOperation } from "../../../src/contract/bulk/operations.ts";
import type { Delivery, Webhook } from "../../../src/contract/webhooks/webhooks.ts";
import { ok } from "../../api/definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import { GATE } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ logLevel: "silent" });
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

/** As after a loss of Temporal's data. */
async function forgotten(workflowId: string): Promise<void> {
  const { workflowService } = stack.deps.temporal;
  const namespace = stack.config.temporalNamespace;
  await workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
  const describe = () => workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
  await until(() =>
    describe().then(
      () => false,
      () => true,
    ),
  );
}

test("a bulk operation that Temporal does not know any more refuses commands, and an abort ends it", async () => {
  const run = await on.start([GATE]);
  await on.opens(run, "gate");
  const draft = { operation: "cancel", ids: [run.id] };
  const { id } = await ok<BulkOperation>(stack, "POST", "/v1/bulk-operations", draft);
  const path = `/v1/bulk-operations/${id}`;
  await until(async () => (await ok<BulkOperation>(stack, "GET", path)).finished_at !== undefined);
  // As a backup of PostgreSQL has it.
  await stack.deps.db.query(
    "update bulk_operations set status = 'running', finished_at = null, revision = 0 where id = $1",
    [id],
  );
  await forgotten(id);

  expect(await ok(stack, "GET", path)).toMatchObject({ status: "running" });
  for (const verb of ["pause", "resume"])
    expect(await stack.request("POST", `${path}/${verb}`)).toMatchObject({
      status: 409,
      body: { code: "conflict", error: "bulk operation is unknown to Temporal: abort ends it" },
    });
  const headers = { "idempotency-key": "ends" };
  for (let twice = 0; twice < 2; twice++)
    expect(await stack.request("POST", `${path}/abort`, {}, { headers })).toMatchObject({
      status: 200,
      body: { status: "aborted", finished_at: expect.any(String) },
    });
  expect(await stack.request("POST", `${path}/abort`)).toMatchObject({ status: 400 });
});

test("a message whose delivery Temporal does not know any more can be sent again", async () => {
  let isUp = false;
  stack.jobs.on("/told", () => ({ status: isUp ? 200 : 500 }));
  const draft = { events: ["workflow_run.completed"], url: stack.jobs.url("/told") };
  const { id } = await ok<Webhook>(stack, "POST", "/v1/webhooks", draft);
  await on.ends(await on.start([{ step_ref: "job", calls: "/job" }]));
  const path = `/v1/webhooks/${id}/deliveries`;
  const delivery = await until(async () => (await ok<Delivery[]>(stack, "GET", path)).find((one) => one.attempts > 0));
  const again = () => stack.request("POST", `${path}/${delivery.id}/redeliver`);
  expect(await again()).toMatchObject({ status: 409, body: { error: "webhook delivery is being delivered" } });
  await forgotten(`webhook-delivery/${delivery.id}/0`);
  isUp = true;
  expect(await again()).toMatchObject({ status: 200 });
  await until(async () => (await ok<Delivery[]>(stack, "GET", `${path}?status=delivered`)).length === 1);
});
