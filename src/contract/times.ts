import { z } from "zod";

/** As answers show a time: RFC 3339 in UTC, with at most microseconds. After the year 9999, which Postgres can hold, as JavaScript writes years: with a sign and six digits. */
export const time = z
  .string()
  .regex(/^(\d{4}|\+\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/)
  .meta({ id: "Time", format: "date-time" });
