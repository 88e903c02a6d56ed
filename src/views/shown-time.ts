import { rfc3339 } from "../../workflows/engine/time.ts";

/** Writes out epoch milliseconds. A text is a time that is written out already. */
export const shownTime = <At extends number | string | undefined>(at: At) =>
  (typeof at === "number" ? rfc3339(at) : at) as At extends number | string ? string : undefined;
