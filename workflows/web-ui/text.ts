import { rfc3339 } from "../engine/time.ts";

/** Text of users inside Markdown. */
export const escaped = (text: string): string => text.replace(/[|\\`*_<>[\]#]/g, "\\$&");

/** The same on one line, as a cell of a table needs it, and not long. */
export const cell = (text: string): string => escaped(clipped(text, 200).replace(/[\r\n]/g, " "));

/** Its beginning, of so many UTF-16 units, of which each may be three bytes. Half a character at its end no store would take. */
export const beginning = (text: string, most: number): string => text.slice(0, most).replace(/[\ud800-\udbff]$/, "");

export const clipped = (text: string, most: number): string =>
  text.length <= most ? text : `${beginning(text, most - 1)}…`;

/** Of a summary the server takes 400 bytes. */
export const SUMMARY_LENGTH = 120;

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** A time for people: `Tue 2026-11-24 10:14:05 UTC`. No age, which would be another one at each look. */
export function spoken(ms: number): string {
  const [date, time = ""] = rfc3339(ms).split("T");
  return `${DAYS[new Date(ms).getUTCDay()]} ${date} ${time.slice(0, 8)} UTC`;
}
