/** Those that say with Retry-After when another try is welcome. */
const STATUSES = [429, 503];

const SECONDS = /^\d{1,300}$/;
/** The three forms of an HTTP date begin with a day's name; the oldest one leaves out that it is GMT. */
const DATE = /^[A-Za-z]{3,9},? .*\d/;

/** What a refusal's Retry-After says, from `now` on; undefined where it says nothing that can be understood. */
export function retryAfterMs(status: number, header: string, now: number): number | undefined {
  if (!STATUSES.includes(status)) return undefined;
  const text = header.trim();
  if (SECONDS.test(text)) return Number(text) * 1000;
  if (!DATE.test(text)) return undefined;
  const at = Date.parse(/GMT$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
