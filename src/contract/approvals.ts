import { z } from "zod";
import { line, list, members, shownTags } from "./fields.ts";
import { id } from "./ids.ts";
import { page, tagged } from "./lists.ts";
import { choice, instant, NOT_ONE_OF, query, yesOrNo } from "./lists/parameters.ts";
import { approval, APPROVAL_STATUSES, dryRun } from "./runs.ts";
import { ERROR_CODES } from "./answers/problem.ts";
import { option } from "./steps/approval.ts";
import { aim, comment } from "./verbs.ts";
import { TAG_KEY_GIVEN } from "./tags.ts";

const filters = {
  ...tagged,
  status: choice(APPROVAL_STATUSES, NOT_ONE_OF).optional(),
  mine: yesOrNo
    .default(false)
    .describe("Of those that are pending, the ones that wait for the caller; else those that they had a part in."),
  workflow_id: line(255).optional(),
  workflow_run_id: line(255).optional(),
  created_by: line(255).optional().describe("Who started the run."),
  due_before: instant.optional(),
};

export const approvalsQuery = query({ ...page, ...filters }).refine(...TAG_KEY_GIVEN);
export const approvalCountsQuery = query(filters).refine(...TAG_KEY_GIVEN);

/** An approval as the inbox shows it, with what it is about. */
export const listedApproval = z
  .strictObject({
    ...approval.shape,
    project_id: z.string(),
    step_ref: z.string(),
    workflow_id: id,
    workflow_name: z.string(),
    triggered_by: z.string(),
    created_by: z.string().optional().describe("Who started the run."),
    tags: shownTags.optional(),
    starts: z.array(z.string()).optional().describe("Of one that is pending: the steps that wait for nothing else."),
  })
  .meta({ id: "ListedApproval" });
export type ListedApproval = z.output<typeof listedApproval>;

export const approvalCounts = z
  .strictObject({
    total: z.int(),
    due_within_24h: z.int(),
    overdue: z.int(),
    by_workflow: z.array(z.strictObject({ workflow_id: id, workflow_name: z.string(), count: z.int() })),
  })
  .meta({ id: "ApprovalCounts" });
export type ApprovalCounts = z.output<typeof approvalCounts>;

const gate = { workflow_run_id: line(255), step_ref: line(255) };
const { step_attempt, shown_hash } = aim;

/** Many decisions with one comment. */
export const decisionsBody = members({
  decision: z.enum(["approve", "reject", "choose"]),
  option: option.optional(),
  comment: comment.optional(),
  approvals: list(members({ ...gate, step_attempt, shown_hash }), 100, 1),
}).superRefine((given, context) => {
  const complain = (message: string) => context.addIssue({ code: "custom", path: ["option"], message });
  if (given.decision === "choose" && given.option === undefined) complain("required by choose");
  if (given.decision !== "choose" && given.option !== undefined) complain("is of choose");
});
export type DecisionsBody = z.output<typeof decisionsBody>;

export const decisions = z
  .strictObject({
    results: z.array(
      z.strictObject({
        ...gate,
        status: z.enum(["decided", "voted", "accepted", "refused"]).describe("voted: more have to decide."),
        approval: approval.optional(),
        command_id: z.string().optional(),
        code: z.enum(ERROR_CODES).optional(),
        error: z.string().optional(),
        details: z.array(z.string()).optional(),
      }),
    ),
  })
  .meta({ id: "Decisions" });
export type Decisions = z.output<typeof decisions>;

/** What the decisions would do, as `dryRun=true` answers it: `plan`, or why one is refused. */
export const decisionsPlan = z
  .strictObject({
    dry_run: z.literal(true),
    results: z.array(
      z.strictObject({
        ...gate,
        plan: dryRun.optional(),
        code: z.enum(ERROR_CODES).optional(),
        error: z.string().optional(),
        details: z.array(z.string()).optional(),
      }),
    ),
  })
  .meta({ id: "DecisionsPlan" });
export type DecisionsPlan = z.output<typeof decisionsPlan>;
