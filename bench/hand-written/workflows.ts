import {
  condition,
  defineQuery,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type * as activities from "./activities.ts";

export type Lane = "local" | "ordinary";

const lanes = {
  local: proxyLocalActivities<typeof activities>({ startToCloseTimeout: "10s" }),
  // As the product's: a worker that died is noticed by its missing heartbeats.
  ordinary: proxyActivities<typeof activities>({ startToCloseTimeout: "25h", heartbeatTimeout: "5s" }),
};

/** What a user of Temporal writes by hand for a DAG of HTTP calls: one layer after the other, each layer's at once. */
export async function layers(widths: number[], lane: Lane, url: string): Promise<unknown> {
  const { callStep } = lanes[lane];
  const { workflowId } = workflowInfo();
  let parents: unknown[] = [];
  for (const [index, width] of widths.entries()) {
    const calls = Array.from({ length: width }, (_, n) =>
      callStep({ url, runId: `${workflowId}/${index}/${n}`, body: { parents } }),
    );
    parents = await Promise.all(calls);
  }
  return parents;
}

export const command = defineSignal<[id: string]>("command");
export const outcome = defineQuery<string | null, [id: string]>("outcome");

/** Takes commands one by one and remembers what became of each; ends after the last. */
export async function gate(commands: number): Promise<void> {
  const taken = new Map<string, string>();
  setHandler(command, (id) => void taken.set(id, "applied"));
  setHandler(outcome, (id) => taken.get(id) ?? null);
  await condition(() => taken.size === commands);
}
