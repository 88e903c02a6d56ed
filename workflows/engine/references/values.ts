import { stringify } from "lossless-json";
import type { Json, JsonDoc } from "../../../src/contract/json.ts";
import { MAX_COMPARED } from "../../expressions/conditions.ts";
import { parsed } from "../../expressions/parsed.ts";
import { follow, type Reference, stepOf } from "../../expressions/references.ts";
import type { Run } from "../run.ts";
import { isDefined } from "./is-defined.ts";
import { startRuleOf } from "./start-rules.ts";
import type { StepState } from "../state.ts";

/** A value in a document that is not carried: it is looked up before the step is decided about. */
export interface Wanted {
  /** Names it in the answer. */
  key: string;
  document: string;
  path: string[];
}

type Source = { document?: JsonDoc; path: string[] } | { value?: Json };

/** What must be looked up before it can be said whether the step starts. */
export function wantedFor(run: Run, i: number): Wanted[] {
  const { found } = run.state.steps[i] as StepState;
  return (startRuleOf(run.plan, i)?.values ?? []).flatMap((reference) => {
    const source = sourceOf(run, i, reference);
    if (!("path" in source) || !source.document || !("ref" in source.document)) return [];
    const key = keyOf(source.document.ref, source.path);
    if (found && Object.hasOwn(found, key)) return [];
    return [{ key, document: source.document.ref, path: source.path }];
  });
}

/** The value of a reference of the step, which is carried or was looked up. */
export function valueAt(run: Run, i: number, reference: Reference): { value: Json } | { size: number } | undefined {
  const source = sourceOf(run, i, reference);
  if (!("path" in source)) return source.value === undefined ? undefined : { value: source.value };
  const { document, path } = source;
  if (!document) return undefined;
  if ("text" in document) {
    const value = follow(path, parsed(document.text));
    if (value === undefined) return undefined;
    // The plan of a run that has not begun carries as much, or who signals by hand. By rules before 8 it was compared all the same.
    const isLong = document.text.length > MAX_COMPARED && (run.plan.run.rules ?? 0) >= 8;
    const size = isLong ? (stringify(value)?.length ?? 0) : 0;
    return size > MAX_COMPARED ? { size } : { value };
  }
  const found = run.state.steps[i]?.found?.[keyOf(document.ref, path)];
  if (!found || "nothing" in found) return undefined;
  return "size" in found ? found : { value: parsed(found.text) };
}

const keyOf = (document: string, path: string[]): string => `${document} ${JSON.stringify(path)}`;

function sourceOf({ plan, state }: Run, i: number, reference: Reference): Source {
  const { root, path } = reference;
  switch (root) {
    case "payload":
      return { document: state.payload ?? plan.run.payload, path };
    case "run": {
      const { id, workflow_id, created_by } = plan.run;
      return { value: { id, workflow_id, created_by, attempt: state.steps[i]?.attempt }[path[0] as "id"] };
    }
    default: {
      const found = stepOf(reference, (ref) => isDefined(plan, ref));
      if (!found) return {};
      return { document: state.steps[plan.index.get(found.step) ?? -1]?.output, path: found.path };
    }
  }
}
