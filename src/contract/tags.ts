import { z } from "zod";
import { line, sentence } from "./fields.ts";

const bytes = (text: string) => Buffer.byteLength(text);

/** zod's record leaves a "__proto__" out without a word. */
const texts = z.preprocess(
  (given, ctx) => {
    if (Object.hasOwn(Object(given), "__proto__")) ctx.addIssue({ code: "custom", message: "must not name __proto__" });
    return given;
  },
  z.record(z.string(), z.string()),
);

/** Tags of a workflow, a job or a run (contract §3.1). */
export const tags = texts
  .refine((all) => Object.keys(all).length <= 20, sentence("too many tags (max 20)"))
  .refine((all) => Object.keys(all).every((key) => key !== ""), sentence("tag keys must be non-empty"))
  .refine((all) => Object.keys(all).every((key) => bytes(key) <= 64), sentence("tag key too long (max 64 characters)"))
  .refine(
    (all) => Object.values(all).every((value) => bytes(value) <= 256),
    sentence("tag value too long (max 256 characters)"),
  )
  .refine((all) => Object.entries(all).flat().every(isLine), sentence("tags must not contain control characters"));

/** Labels of a run: the reference takes any; here only what a row can hold. */
export const labels = texts
  .refine((all) => Object.keys(all).length <= 100, sentence("too many labels (max 100)"))
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
