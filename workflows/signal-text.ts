/** A signal may be written by hand (`temporal workflow signal`): what should be a text and is none is dropped. */
export const signalText = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
