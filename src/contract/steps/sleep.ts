import { z } from "zod";
import { whole } from "../fields.ts";
import { type Complain, type StepSchema, word } from "./schema.ts";

export const sleep = {
  fields: { sleep_duration_secs: whole.optional(), event_emit_key: word.optional() },
  aliases: { sleep_duration: z.string().max(100).optional() },
  toldBy: ["sleep_duration_secs", "sleep_duration"],
  resolved(given: { sleep_duration?: string; sleep_duration_secs?: number }, complain: Complain) {
    const { sleep_duration, sleep_duration_secs } = given;
    if (sleep_duration === undefined) return undefined;
    const slept = secondsOf(sleep_duration);
    if (slept === undefined) complain("sleep_duration", 'must be a duration of whole seconds, like "90s" or "1h30m"');
    else if (sleep_duration_secs !== undefined)
      complain("sleep_duration", "give sleep_duration or sleep_duration_secs, not both");
    return slept === undefined ? undefined : { sleep_duration_secs: slept };
  },
} satisfies StepSchema;

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** "1h30m" → 5400; undefined unless it is a whole number of seconds that a timer can hold. */
function secondsOf(duration: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(duration)) return undefined;
  let seconds = 0;
  for (const [, amount, unit = ""] of duration.matchAll(/([\d.]+)([a-z]+)/g))
    seconds += Number(amount) * (UNITS[unit] ?? Number.NaN);
  return whole.safeParse(seconds).data;
}
