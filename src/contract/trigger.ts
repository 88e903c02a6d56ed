import { z } from "zod";
import { ignored, isMap, json, line, list, members, shownAs } from "./fields.ts";
import { idempotencyKey } from "./idempotency.ts";
import { MOST_STEPS } from "./steps.ts";
import { labels, tags } from "./tags.ts";

const override = members({ step_ref: z.string(), enabled: z.boolean().default(false) });

/** The SDKs' form, {"build": false} or {"build": {"enabled": false}}, becomes the server's list. */
function listed(given: unknown): unknown {
  if (!isMap(given)) return given;
  // One more than the list takes is enough to have it refused.
  const overrides = Object.entries(given).slice(0, MOST_STEPS + 1);
  return overrides.map(([step_ref, to]: [string, unknown]) =>
    isMap(to) ? { ...to, step_ref } : { step_ref, enabled: to },
  );
}

/** What is wrong with a member of that form is told under its name. */
const Overrides = z.core.$constructor<z.ZodPreprocess<z.ZodArray<typeof override>>>(
  "Overrides",
  (schema, definition) => {
    z.ZodPreprocess.init(schema, definition);
    const { parse } = schema._zod;
    schema._zod.parse = (payload, context) => {
      const given: unknown = payload.value;
      const parsed = parse(payload, context) as z.core.ParsePayload;
      if (!isMap(given)) return parsed;
      const names = Object.keys(given);
      return {
        ...parsed,
        issues: parsed.issues.map((issue) => ({ ...issue, path: asGiven(given, names, issue.path) })),
      };
    };
  },
);

function asGiven(
  given: Record<string, unknown>,
  names: string[],
  [index, ...member]: PropertyKey[] = [],
): PropertyKey[] {
  const step_ref = typeof index === "number" ? names[index] : undefined;
  if (step_ref === undefined) return [];
  return isMap(given[step_ref]) ? [step_ref, ...member] : [step_ref];
}

const enabled: z.core.JSONSchema.BaseSchema = { type: ["boolean", "null"], default: false };
export const step_overrides = shownAs(
  new Overrides({ type: "pipe", in: z.transform(listed), out: list(override, MOST_STEPS) }),
  {
    anyOf: [
      {
        type: "array",
        maxItems: MOST_STEPS,
        items: {
          ...{ type: "object", required: ["step_ref"], additionalProperties: false },
          properties: { step_ref: { type: "string" }, enabled },
        },
      },
      {
        type: "object",
        maxProperties: MOST_STEPS,
        additionalProperties: { anyOf: [{ type: ["boolean", "null"] }, { type: "object", properties: { enabled } }] },
      },
    ],
  },
).optional();

/** POST /v1/workflows/{id}/plan. */
export const planBody = members({ step_overrides }).meta({ example: {} });

/** POST /v1/workflows/{id}/trigger (docs/definitions.md, A trigger). */
export const triggerBody = members({
  project_id: line(255).optional(),
  payload: json.optional(),
  triggered_by: line(255).optional(),
  labels: labels.optional(),
  tags: tags.optional(),
  step_overrides,
  idempotency_key: idempotencyKey.optional(),
  priority: ignored,
  metadata: ignored,
}).meta({ example: { payload: { order: 7 }, tags: { team: "a" } } });
export type TriggerBody = z.output<typeof triggerBody>;
