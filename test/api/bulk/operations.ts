import { expect } from "vitest";
import type { BulkItem, BulkOperation } from "../../../src/contract/bulk/operations.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { getRun, trigger } from "../definitions.ts";
import { bulkItem, bulkOperation } from "../bulk-shapes.ts";
import { answered } from "../shapes.ts";
import type { RequestOptions, Stack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

export const PATH = "/v1/bulk-operations";
export const ids = (runs: WorkflowRun[]) => runs.map(({ id }) => id);

/** What a test does with bulk operations, on a stack and with a workflow that are made later. */
export function operationsOn(stack: () => Stack, workflow: () => Workflow) {
  const post = (body: unknown, options?: RequestOptions) => stack().request("POST", PATH, body, options);
  const create = async (body: unknown, options?: RequestOptions): Promise<BulkOperation> => {
    const answer = await post(body, options);
    const created = answered(answer, 202, bulkOperation) as BulkOperation;
    expect(answer.headers.get("location")).toBe(`${PATH}/${created.id}`);
    return created;
  };
  const get = async ({ id }: { id: string }) =>
    answered(await stack().request("GET", `${PATH}/${id}`), 200, bulkOperation) as BulkOperation;
  const items = async ({ id }: { id: string }, query = "limit=100") =>
    answered(await stack().request("GET", `${PATH}/${id}/items?${query}`), 200, bulkItem.array()) as BulkItem[];
  const steer = ({ id }: { id: string }, verb: string, body?: object, options?: RequestOptions) =>
    stack().request("POST", `${PATH}/${id}/${verb}`, body, options);
  const ended = (operation: BulkOperation): Promise<BulkOperation> =>
    until(async () => {
      const now = await get(operation);
      return now.finished_at !== undefined && now;
    });
  const started = (count: number, of = workflow(), body: object = {}): Promise<WorkflowRun[]> =>
    Promise.all(Array.from({ length: count }, () => trigger(stack(), of, body)));
  const statuses = async (runs: WorkflowRun[]) =>
    (await Promise.all(runs.map((run) => getRun(stack(), run)))).map(({ status }) => status);
  const canceled = async (count: number) => {
    const runs = await started(count);
    await ended(await create({ operation: "cancel", ids: ids(runs) }));
    return runs;
  };
  return { post, create, get, items, steer, ended, started, statuses, canceled };
}
