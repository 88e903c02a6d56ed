import type { z } from "zod";
import { approval } from "./approval.ts";
import { job } from "./job.ts";
import { sleep } from "./sleep.ts";
import { subWorkflow } from "./sub-workflow.ts";
import { waitForEvent } from "./wait-for-event.ts";

/** The types of steps. A step that does not say its type is of the first one that one of its fields tells of. */
export const STEP_TYPES = { job, approval, wait_for_event: waitForEvent, sleep, sub_workflow: subWorkflow };
export type StepType = keyof typeof STEP_TYPES;

type Named<Part extends "fields" | "aliases"> = {
  [Type in StepType]: keyof (typeof STEP_TYPES)[Type][Part];
}[StepType];

/** What counts only for some types of steps, as definitions hold it. The compiler names a field that is missing here. */
export const typeFields = {
  ...job.fields,
  ...approval.fields,
  ...waitForEvent.fields,
  ...sleep.fields,
  ...subWorkflow.fields,
} satisfies Record<Named<"fields">, z.ZodType>;
export const typeAliases = { ...approval.aliases, ...sleep.aliases } satisfies Record<Named<"aliases">, z.ZodType>;

/** The types that a field counts for, in the order in which they have it. A field of none of them counts for every type. */
export const TYPES_OF_FIELDS = new Map<string, StepType[]>();
for (const [type, { fields }] of Object.entries(STEP_TYPES))
  for (const field of Object.keys(fields))
    TYPES_OF_FIELDS.set(field, [...(TYPES_OF_FIELDS.get(field) ?? []), type as StepType]);
