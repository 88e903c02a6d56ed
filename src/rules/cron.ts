import { Cron } from "croner";

const DESCRIPTORS = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/;

/** Five fields, or a descriptor like @daily. */
export function isCron(expression: string): boolean {
  if (DESCRIPTORS.test(expression)) return true;
  // The parser also takes a single date, and descriptors that we do not.
  if (!/^\S+(\s+\S+){4}$/.test(expression)) return false;
  try {
    new Cron(expression, { mode: "5-part", paused: true });
    return true;
  } catch {
    return false;
  }
}

/** An IANA zone; a bare offset is none. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}
