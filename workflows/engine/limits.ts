import type { Run } from "./run.ts";

/** How many steps of a resource class run at once within one run. */
export const CLASS_CAPACITY = { small: 50, medium: 20, large: 5 } as const;

/** As many steps run as the run may have at once. */
export const isFull = ({ plan, schedule }: Run): boolean => {
  const limit = plan.run.max_parallel_steps ?? 0;
  return limit > 0 && schedule.running >= limit;
};

/** What holds back every step of this one's lane, though the run is not full. */
export function laneLimit({ plan, schedule }: Run, i: number): "concurrency_key" | "resource_class" | undefined {
  const { concurrency_key, resource_class } = plan.steps[i] ?? { resource_class: "small" };
  if (concurrency_key && (schedule.runningByKey.get(concurrency_key) ?? 0) > 0) return "concurrency_key";
  return (schedule.runningByClass.get(resource_class) ?? 0) >= CLASS_CAPACITY[resource_class]
    ? "resource_class"
    : undefined;
}
