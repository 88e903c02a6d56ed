import { z } from "zod";
import { ITEM_STATUSES } from "./bulk-operations.ts";
import { type Cursor, decodeCursor } from "./cursor.ts";
import { line } from "./fields.ts";
import { JOB_RUN_STATUSES, RUN_STATUSES } from "./runs.ts";
import { TAG_KEY_GIVEN } from "./tags.ts";

export const MAX_LIMIT = 100;
const limit = z
  .string()
  .regex(/^\+?0*[1-9]\d*$/, "must be a positive integer")
  .transform((text) => Math.min(Number(text), MAX_LIMIT));

const cursor = z.string().transform((text, ctx): Cursor => {
  const place = decodeCursor(text);
  if (place) return place;
  ctx.addIssue({ code: "custom", message: "must be a valid RFC3339 timestamp" });
  return z.NEVER;
});

/** If the parameter is given twice, another message says so. */
export const choice = <const Values extends readonly string[]>(values: Values, message: string) =>
  z.enum(values, { error: ({ input }) => (Array.isArray(input) ? undefined : message) });

export const page = {
  limit: limit.default(50),
  cursor: cursor.optional(),
  envelope: choice(["true", "false"], "must be true or false")
    .default("false")
    .transform((text) => text === "true"),
};

/**
 * A message follows the name of its field: "limit" "must be a positive integer". An empty parameter counts as absent. An unknown
 * one is refused, even if it is empty.
 */
export const query = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.preprocess(
    (given) =>
      Object.fromEntries(
        Object.entries(given as object).filter(([name, value]) => value !== "" || !Object.hasOwn(shape, name)),
      ),
    z.strictObject(shape),
  );

export const tagged = {
  project_id: line(255).optional(),
  tag_key: line(64).optional(),
  tag_value: line(256).optional(),
};

export const taggedQuery = query({ ...page, ...tagged }).refine(...TAG_KEY_GIVEN);
export const runsQuery = query({ ...page, ...tagged, status: choice(RUN_STATUSES, "is invalid").optional() }).refine(
  ...TAG_KEY_GIVEN,
);
export const pageQuery = query(page);

/** Clients give up after 30 s. */
const MAX_WAIT_SECS = 25;

export const runQuery = query({
  wait_secs: z
    .string()
    .regex(/^\d{1,6}$/, "must be a whole number of seconds")
    .transform((text) => Math.min(Number(text), MAX_WAIT_SECS))
    .default(0),
});
export const projectQuery = query({ project_id: tagged.project_id });

const time = z.iso
  .datetime({ offset: true, error: "must be a valid RFC3339 timestamp" })
  .transform((text) => decodeCursor(text)?.at);

export const jobRunsQuery = query({
  ...page,
  project_id: tagged.project_id,
  job_id: line(255).optional(),
  status: choice(JOB_RUN_STATUSES, "is invalid").optional(),
  created_after: time.optional(),
  created_before: time.optional(),
});

/** The cursor of a list that is not ordered by time: the number of items before it. */
const place = z
  .string()
  .transform((text) => Number(/^after:(\d{1,6})$/.exec(Buffer.from(text, "base64url").toString())?.[1]))
  .refine((count) => !Number.isNaN(count), "is not one of this list")
  .default(0);

/** Steps come all at once unless a limit is given; their cursor is a place in the definition's order. */
export const stepsQuery = query({ limit: limit.optional(), cursor: place, envelope: page.envelope });

/** Versions count down: the cursor is the number of the last one shown. */
export const versionsQuery = query({ limit: page.limit, cursor: place, envelope: page.envelope });

/** Whatever else it says is json. */
export const graphQuery = query({
  format: z
    .string()
    .default("json")
    .transform((format) => (format === "dot" ? "dot" : "json")),
});

/** The runs of a bulk operation, in the order in which they are taken. */
export const bulkItemsQuery = query({
  ...page,
  cursor: place,
  status: choice(ITEM_STATUSES, "is invalid").optional(),
});
export const projectPageQuery = query({ ...page, project_id: tagged.project_id });
export const encodePlace = (place: number): string => Buffer.from(`after:${place}`).toString("base64url");
