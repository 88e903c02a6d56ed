import { z } from "zod";

/** As answers show a time: RFC 3339 in UTC, with at most microseconds. A year may have more than four digits. */
export const time = z
  .string()
  .regex(/^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/)
  .meta({ id: "Time", format: "date-time" });
