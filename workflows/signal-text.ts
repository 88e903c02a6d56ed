/** A signal may be written by hand (`temporal workflow signal`): what should be a text and is none is dropped. */
export const signalText = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** As long as the API takes them. */
const MOST_REASON = 4_096;
const MOST_COMMENT = 2_000;

export const signalReason = (value: unknown): string | undefined => signalText(value)?.slice(0, MOST_REASON);
export const signalComment = (value: unknown): string | undefined => signalText(value)?.slice(0, MOST_COMMENT);
