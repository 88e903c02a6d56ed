/** A signal may be written by hand (`temporal workflow signal`): what should be a text and is none is dropped. */
export const signalText = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** As long as the API takes them. */
const MOST_REASON = 4_096;
const MOST_COMMENT = 2_000;

export const signalReason = (value: unknown): string | undefined => signalText(value)?.slice(0, MOST_REASON);
export const signalComment = (value: unknown): string | undefined => signalText(value)?.slice(0, MOST_COMMENT);

/** What of a signal says nothing: a name typed wrong, or a value of another type than its field has. */
export function oddIn(payload: unknown, command: object): string[] | undefined {
  if (payload === undefined || payload === null) return undefined;
  if (typeof payload !== "object" || Array.isArray(payload)) return ["the input must be an object"];
  const read = new Map(Object.entries(command));
  const odd = Object.entries(payload)
    .filter(([field, value]) => value !== null && value !== undefined && read.get(field) === undefined)
    .map(([field]) => `${field.slice(0, MOST_NAME)}: ${read.has(field) ? "has the wrong type" : "unknown field"}`);
  return odd.length === 0 ? undefined : odd.slice(0, MOST_ODD);
}

/** They stay in the run's history. */
const MOST_NAME = 100;
const MOST_ODD = 20;
