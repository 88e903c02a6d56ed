import { z } from "zod";
import { type AnswerHeader, withHeaders } from "./answers/headers.ts";
import { ITEM_STATUSES } from "./bulk/operations.ts";
import { type Cursor, decodeCursor } from "./cursor.ts";
import { line, shownAs } from "./fields.ts";
import { ASKED_STATUSES } from "./jobs/runs.ts";
import { choice, instant, INVALID_TIME, NOT_ONE_OF, query, several, yesOrNo } from "./lists/parameters.ts";
import { filterOfProject, filterOfWorkflow } from "./lists/run-filters.ts";
import { STEP_STATUSES } from "./runs.ts";
import { TAG_KEY_GIVEN } from "./tags.ts";

export const MAX_LIMIT = 100;
const limit = z
  .string()
  .regex(/^\+?0*[1-9]\d*$/, "must be a positive integer")
  .transform((text) => Math.min(Number(text), MAX_LIMIT));
const limitOf = <Limit extends z.ZodType>(schema: Limit, without: string) =>
  shownAs(schema, { type: "integer", minimum: 1, description: `${without} More than ${MAX_LIMIT} are ${MAX_LIMIT}.` });

const cursor = z.string().transform((text, ctx): Cursor => {
  const place = decodeCursor(text);
  if (place) return place;
  ctx.addIssue({ code: "custom", message: INVALID_TIME });
  return z.NEVER;
});

export const page = {
  limit: limitOf(limit.default(50), "50 where it is absent."),
  cursor: cursor.optional().describe("What `X-Next-Cursor` said, or an RFC 3339 time."),
  envelope: yesOrNo.default(false).describe("Answer `{data, has_more, next_cursor}` in place of an array."),
};

export const tagged = {
  project_id: line(255).optional(),
  tag_key: line(64).optional(),
  tag_value: line(256).optional(),
};

export const taggedQuery = query({ ...page, ...tagged }).refine(...TAG_KEY_GIVEN);

const sort = choice(["created", "finished"], "must be created or finished")
  .default("created")
  .describe("The newest first. By `finished`, only those that are over.");
export type RunsSort = z.output<typeof sort>;

export const runsQuery = query({ ...page, project_id: tagged.project_id, ...filterOfProject, sort }).refine(
  ...TAG_KEY_GIVEN,
);
export const workflowRunsQuery = query({ ...page, ...filterOfWorkflow, sort }).refine(...TAG_KEY_GIVEN);
export const countsQuery = query({ project_id: tagged.project_id, ...filterOfProject }).refine(...TAG_KEY_GIVEN);

/** Clients give up after 30 s. */
const MAX_WAIT_SECS = 25;

export const runQuery = query({
  wait_secs: shownAs(
    z
      .string()
      .regex(/^\d{1,6}$/, "must be a whole number of seconds")
      .transform((text) => Math.min(Number(text), MAX_WAIT_SECS))
      .default(0),
    {
      type: "integer",
      minimum: 0,
      default: 0,
      description: `Answer once the run has ended, or after so long. At most ${MAX_WAIT_SECS}.`,
    },
  ),
});
export const projectQuery = query({ project_id: tagged.project_id });

export const jobRunsQuery = query({
  ...page,
  project_id: tagged.project_id,
  job_id: line(255).optional(),
  status: choice(ASKED_STATUSES, NOT_ONE_OF).optional(),
  created_after: instant.optional(),
  created_before: instant.optional(),
});

/** The cursor of a list that is not ordered by time: the number of items before it. */
const place = z
  .string()
  .transform((text) => Number(/^after:(\d{1,6})$/.exec(Buffer.from(text, "base64url").toString())?.[1]))
  .refine((count) => !Number.isNaN(count), "is not one of this list")
  .default(0);

const part = {
  limit: limitOf(limit.optional(), "All at once where it is absent."),
  cursor: place,
  envelope: page.envelope,
};

/** Steps come all at once unless a limit is given; their cursor is a place in the definition's order. */
export const stepsQuery = query({
  ...part,
  status: several(STEP_STATUSES, NOT_ONE_OF).optional().describe("One or several, by repeating it or with commas."),
});
export const partQuery = query(part);

/** Versions count down: the cursor is the number of the last one shown. */
export const versionsQuery = query({ limit: page.limit, cursor: place, envelope: page.envelope });

export const graphQuery = query({
  format: shownAs(
    z
      .string()
      .default("json")
      .transform((format) => (format === "dot" ? "dot" : "json")),
    { type: "string", default: "json", description: "`dot` for Graphviz; whatever else it says is `json`." },
  ),
});

/** The runs of a bulk operation, in the order in which they are taken. */
export const bulkItemsQuery = query({
  ...page,
  cursor: place,
  status: choice(ITEM_STATUSES, NOT_ONE_OF).optional(),
});
export const projectPageQuery = query({ ...page, project_id: tagged.project_id });
export const encodePlace = (place: number): string => Buffer.from(`after:${place}`).toString("base64url");

const pageHeaders: AnswerHeader[] = ["X-Has-More", "X-Next-Cursor", "Link"];

/** What a list answers that is always an envelope. */
export const envelopeOf = <Item extends z.ZodType>(item: Item) =>
  z
    .strictObject({ data: z.array(item), has_more: z.boolean(), next_cursor: z.string().optional() })
    .register(withHeaders, { headers: pageHeaders });

/** What a list answers: an array, or an envelope when asked for. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.union([z.array(item), envelopeOf(item)]).register(withHeaders, { headers: pageHeaders });

/** The same of a list that leaves out the outputs which have no room in one answer. */
export const partOf = <Item extends z.ZodType>(item: Item) =>
  listOf(item).register(withHeaders, { headers: [...pageHeaders, "X-Left-Out"] });
