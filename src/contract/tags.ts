import { z } from "zod";
import { line, map, sentence } from "./fields.ts";

const bytes = (text: string) => Buffer.byteLength(text);

/** At most 20, names of 1 to 64 bytes, values of at most 256: all are found by an index. */
const bounded = (kind: "tag" | "label") =>
  map(z.string(), 20, `too many ${kind}s (max 20)`)
    .refine((all) => Object.keys(all).every((key) => key !== ""), sentence(`${kind} keys must be non-empty`))
    .refine(
      (all) => Object.keys(all).every((key) => bytes(key) <= 64),
      sentence(`${kind} key too long (max 64 characters)`),
    )
    .refine(
      (all) => Object.values(all).every((value) => bytes(value) <= 256),
      sentence(`${kind} value too long (max 256 characters)`),
    )
    .refine(
      (all) => Object.entries(all).flat().every(isLine),
      sentence(`${kind}s must not contain control characters`),
    );

/** Of a workflow, a job or a run. */
export const tags = bounded("tag");

/** Of a run. */
export const labels = bounded("label");

/** The arguments of a `refine` of a filter: a tag value needs a tag key. */
export const TAG_KEY_GIVEN: Parameters<z.ZodType<{ tag_key?: string; tag_value?: string }>["refine"]> = [
  ({ tag_key, tag_value }) => tag_value === undefined || tag_key !== undefined,
  { error: "is required when tag_value is provided", path: ["tag_key"] },
];

function isLine(text: string): boolean {
  return line(1024).safeParse(text).success;
}
