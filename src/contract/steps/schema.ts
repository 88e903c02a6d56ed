import type { z } from "zod";
import { line } from "../fields.ts";

/** What a definition may say of a step of one type, besides what it says of any step. */
export interface StepSchema {
  /** Those that count for this type. One that counts for several types is in each of their schemas. */
  fields: Record<string, z.ZodType>;
  /** Names that the published SDKs and docs have for some of the fields. */
  aliases: Record<string, z.ZodType>;
  /** What the aliases say, under the names of the fields. */
  resolved?(given: never, complain: Complain): object | undefined;
  /** The field that `timeout_secs` is another name of. */
  timeout?: string;
  /** A step that does not say its type is of this one if it has one of these. */
  toldBy: readonly string[];
}

/** Long enough that the rule with better words, which names the step, is the one that speaks. */
export const word = line(4096);

/** Tells of something wrong with a field. */
export type Complain = (field: string, message: string) => void;
