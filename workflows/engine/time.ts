/**
 * Times are epoch milliseconds with three decimals: microseconds, which is what Postgres keeps. Rounded where a clock is
 * read, so that a time is the same number wherever it is computed with, and reads the same wherever it is shown.
 */
export const microseconds = (ms: number): number => Math.round(ms * 1000) / 1000;

/** Epoch milliseconds as the API writes times: RFC3339, `Z`, microseconds without trailing zeros. */
export function rfc3339(ms: number): string {
  const whole = Math.floor(ms);
  const micros = Math.round((ms - whole) * 1000);
  if (micros === 1000) return rfc3339(whole + 1);
  const text = new Date(whole).toISOString();
  return `${text.slice(0, -1)}${String(micros).padStart(3, "0")}`.replace(/\.?0*$/, "Z");
}

/** The inverse. */
export function epochMs(text: string): number {
  const [, micros] = /\.\d{3}(\d{1,3})/.exec(text) ?? [];
  return micros === undefined ? Date.parse(text) : Date.parse(text) + Number(micros.padEnd(3, "0")) / 1000;
}
