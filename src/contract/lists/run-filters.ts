import { z } from "zod";
import { line, list, sentence, whole } from "../fields.ts";
import { id } from "../ids.ts";
import { instant, NOT_ONE_OF, seconds, several, timestamp, yesOrNo } from "./parameters.ts";
import { RUN_STATUSES, type RunStatus } from "../runs.ts";
import { TAG_KEY_GIVEN } from "../tags.ts";

/** What runs are listed, counted or acted upon: all that is given has to hold. Times are epoch milliseconds. */
export interface RunFilter {
  workflow_id?: string;
  status?: RunStatus | RunStatus[];
  triggered_by?: string;
  created_by?: string;
  tag_key?: string;
  tag_value?: string;
  /** A key, or a key and a value: `key=value`. */
  label?: string;
  created_after?: number;
  created_before?: number;
  finished_after?: number;
  finished_before?: number;
  error_contains?: string;
  waiting_longer_than_secs?: number;
  is_retried?: boolean;
}

const SAYS = {
  status: "One or several, by repeating it or with commas.",
  label: "A key, or `key=value`.",
  created_after: "At this time or later.",
  created_before: "Before this time.",
  error_contains: "In any case of letters. That of a timeout has `timed out` in it.",
  waiting:
    "Open runs with a step that has waited so long for an approval, an event or a time. `waiting_on` of each run names those steps.",
  is_retried: "Whether another run retries it.",
};

/** An index of texts knows three letters in a row. */
const part = line(256).min(3);

/** Of the runs of one workflow. */
export const filterOfWorkflow = {
  status: several(RUN_STATUSES, NOT_ONE_OF).optional().describe(SAYS.status),
  triggered_by: line(255).optional(),
  created_by: line(255).optional(),
  error_contains: part.optional().describe(SAYS.error_contains),
  tag_key: line(64).optional(),
  tag_value: line(256).optional(),
  label: line(321).optional().describe(SAYS.label),
  created_after: instant.optional().describe(SAYS.created_after),
  created_before: instant.optional().describe(SAYS.created_before),
  finished_after: instant.optional().describe(SAYS.created_after),
  finished_before: instant.optional().describe(SAYS.created_before),
  waiting_longer_than_secs: seconds(SAYS.waiting).optional(),
  is_retried: yesOrNo.optional().describe(SAYS.is_retried),
};

/** Of the runs of a project. */
export const filterOfProject = { ...filterOfWorkflow, workflow_id: line(255).optional() };

const STATUS = `must be one of ${RUN_STATUSES.join(", ")}`;
const status = z.enum(RUN_STATUSES);

/**
 * The same in a body, which is kept as it was sent. A null is refused, where elsewhere it counts as absent: what a client has no value
 * for would let through every run.
 */
export const filterBody = z
  .strictObject({
    workflow_id: id.optional(),
    status: z
      .union([status, list(status, RUN_STATUSES.length, 1)], { error: STATUS })
      .optional()
      .describe("One or several."),
    triggered_by: line(255).min(1).optional(),
    created_by: line(255).min(1).optional(),
    error_contains: part.optional().describe(SAYS.error_contains),
    tag_key: line(64).min(1).optional(),
    tag_value: line(256).min(1).optional(),
    label: line(321).min(1).optional().describe(SAYS.label),
    created_after: timestamp.optional().describe(SAYS.created_after),
    created_before: timestamp.optional().describe(SAYS.created_before),
    finished_after: timestamp.optional().describe(SAYS.created_after),
    finished_before: timestamp.optional().describe(SAYS.created_before),
    waiting_longer_than_secs: whole.min(0).optional().describe("When the operation is created."),
    is_retried: z.boolean().optional().describe(SAYS.is_retried),
  })
  .refine((given) => Object.keys(given).length > 0, sentence("filter must not be empty"))
  .refine(...TAG_KEY_GIVEN);
export type FilterBody = z.output<typeof filterBody>;

const at = (text: string | undefined) => (text === undefined ? undefined : instant.parse(text));

export const filterSaid = (body: FilterBody): RunFilter => ({
  ...body,
  created_after: at(body.created_after),
  created_before: at(body.created_before),
  finished_after: at(body.finished_after),
  finished_before: at(body.finished_before),
});
