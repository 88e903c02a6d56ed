import { isCancellation, sleep } from "@temporalio/workflow";
import type { Run } from "../engine/run.ts";
import { nowOf } from "./clock.ts";

/** A durable timer until then. Not async: another promise would change the order in which a replay hears of things. */
export const sleepUntil = ({ plan }: Run, at: number, summary: string): Promise<void> =>
  sleep(Math.max(1, Math.ceil(at - nowOf(plan.run))), { summary });

export function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
