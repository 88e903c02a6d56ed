import { z } from "zod";
import { line, map, sentence } from "./fields.ts";

const bytes = (text: string) => Buffer.byteLength(text);

/** Tags of a workflow, a job or a run: at most 20, names of 1 to 64 bytes, values of at most 256. */
export const tags = map(z.string(), 20, "too many tags (max 20)")
  .refine((all) => Object.keys(all).every((key) => key !== ""), sentence("tag keys must be non-empty"))
  .refine((all) => Object.keys(all).every((key) => bytes(key) <= 64), sentence("tag key too long (max 64 characters)"))
  .refine(
    (all) => Object.values(all).every((value) => bytes(value) <= 256),
    sentence("tag value too long (max 256 characters)"),
  )
  .refine((all) => Object.entries(all).flat().every(isLine), sentence("tags must not contain control characters"));

/** The arguments of a `refine` of a filter: a tag value needs a tag key. */
export const TAG_KEY_GIVEN: Parameters<z.ZodType<{ tag_key?: string; tag_value?: string }>["refine"]> = [
  ({ tag_key, tag_value }) => tag_value === undefined || tag_key !== undefined,
  { error: "is required when tag_value is provided", path: ["tag_key"] },
];

/** Labels of a run: any that a row can hold. */
export const labels = map(z.string(), 100, "too many labels (max 100)")
  .refine(
    (all) =>
      Object.entries(all)
        .flat()
        .every((part) => bytes(part) <= 1024),
    sentence("label too long (max 1024 characters)"),
  )
  .refine((all) => Object.entries(all).flat().every(isLine), sentence("labels must not contain control characters"));

function isLine(text: string): boolean {
  return line(1024).safeParse(text).success;
}
