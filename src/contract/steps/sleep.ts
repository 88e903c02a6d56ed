import { z } from "zod";
import { whole } from "../fields.ts";
import { type Complain, type StepSchema, word } from "./schema.ts";

/** In characters. */
const LONGEST = 100;

export const sleep = {
  fields: { sleep_duration_secs: whole.optional(), event_emit_key: word.optional() },
  aliases: { sleep_duration: z.string().max(LONGEST).optional() },
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

/** In milliseconds. */
const UNITS: Record<string, bigint> = { ms: 1n, s: 1_000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n };
/** No fraction has more digits. */
const FRACTIONS = 10n ** BigInt(LONGEST);

/** "1h30m" → 5400; undefined unless it is a whole number of seconds that a timer can hold. As doubles, 1.1 hours would not be. */
function secondsOf(duration: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(duration)) return undefined;
  let sum = 0n;
  for (const [, amount, fraction = "", unit = ""] of duration.matchAll(/(\d+)(?:\.(\d+))?([a-z]+)/g))
    sum += BigInt(amount + fraction.padEnd(LONGEST, "0")) * (UNITS[unit] ?? 0n);
  const second = 1_000n * FRACTIONS;
  return sum % second === 0n ? whole.safeParse(Number(sum / second)).data : undefined;
}
