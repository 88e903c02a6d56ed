import pg from "pg";
import { epochMs, rfc3339 } from "../../../workflows/engine/time.ts";

const { builtins, getTypeParser } = pg.types;
const date: (text: string) => Date = getTypeParser(builtins.TIMESTAMPTZ, "text");

/** A time as Postgres writes it, in the form of the API. pg's own parser takes over for other time zones and years after 9999. */
export function timeOf(text: string): string {
  if (text[4] !== "-" || !text.endsWith("+00")) return rfc3339(date(text).getTime());
  return `${text.slice(0, 10)}T${text.slice(11, -3)}Z`;
}

const ours = new Map<number, (text: string) => unknown>([
  // Left as text: most JSON only passes through. Who looks into it calls parseJson.
  [builtins.JSON, (text) => text],
  [builtins.TIMESTAMPTZ, (text) => epochMs(timeOf(text))],
  [builtins.INT8, Number],
]);

/** How pg reads columns: documents as text, times as epoch milliseconds. */
export const parsers: pg.CustomTypesConfig = {
  getTypeParser: (id: number, format) => ours.get(id) ?? getTypeParser(id, format),
};
