import { isDeepStrictEqual } from "node:util";
import type { Json } from "../contract/json.ts";
import type { Changed } from "../contract/definitions/workflow-versions.ts";

type Fields = { [name: string]: Json | undefined };
export type DiffStep = Fields & { step_ref: string };

/** What makes one list of steps another one. */
export interface StepsDiff {
  added: DiffStep[];
  removed: string[];
  changed: { step_ref: string; fields: Record<string, Changed> }[];
  /** Where it is not the old order with what was added at its end. */
  order?: string[];
}

export function diffSteps(from: DiffStep[], to: DiffStep[]): StepsDiff {
  const before = new Map(from.map((step) => [step.step_ref, step]));
  const after = new Map(to.map((step) => [step.step_ref, step]));
  const added = to.filter(({ step_ref }) => !before.has(step_ref));
  const removed = from.map(({ step_ref }) => step_ref).filter((ref) => !after.has(ref));
  const changed = from.flatMap((step) => {
    const other = after.get(step.step_ref);
    const fields = other ? diffFields(step, other) : {};
    return Object.keys(fields).length > 0 ? [{ step_ref: step.step_ref, fields }] : [];
  });
  const kept = from.filter(({ step_ref }) => after.has(step_ref));
  const appended = [...kept, ...added].map(({ step_ref }) => step_ref);
  const order = to.map(({ step_ref }) => step_ref);
  return { added, removed, changed, ...(!isDeepStrictEqual(order, appended) && { order }) };
}

/** The fields whose values differ. Members of a JSON object may come in any order. */
export function diffFields(from: Fields, to: Fields): Record<string, Changed> {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  const differing = names.filter((name) => !isDeepStrictEqual(from[name], to[name]));
  return Object.fromEntries(differing.map((name) => [name, { from: from[name], to: to[name] }]));
}
