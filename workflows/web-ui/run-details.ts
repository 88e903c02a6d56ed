import type { Run } from "../engine/run.ts";
import { rfc3339 } from "../engine/time.ts";
import { cell, refusalsAmong } from "./refused-lately.ts";

/** A table of more steps than this is not drawn: it would cost more than the run. */
const LARGEST_TABLE = 100;

/** What the Temporal Web UI shows of a run: its steps now, as a Markdown table, under what was refused lately. */
export function detailsOf({ plan, state, schedule }: Run): string {
  const title = `**${cell(plan.run.workflow_name)}** v${plan.run.workflow_version} is **${state.status}**${state.error ? `: ${cell(state.error)}` : ""}`;
  const refusals = refusalsAmong(state.commands);
  const head = refusals === undefined ? title : `${title}\n\n${refusals}`;
  if (plan.steps.length > LARGEST_TABLE)
    return `${head}\n\n${plan.steps.length} steps, ${schedule.unfinished} not finished, ${schedule.running} running`;
  const rows = plan.steps.map((definition, i) => {
    const step = state.steps[i];
    if (!step) return "";
    const since = step.finished_at ?? step.started_at;
    return `| ${cell(definition.step_ref)} | ${definition.step_type} | ${step.status} | ${step.attempt} | ${since === undefined ? "" : rfc3339(since)} | ${note(step)} |`;
  });
  return [head, "", "| step | type | status | attempt | since | note |", "|---|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}

function note({ approval, trigger, error, cause }: Run["state"]["steps"][number]): string {
  if (approval?.status === "approved") return `approved by ${cell(approval.approved_by ?? "")}`;
  if (approval?.status === "overridden")
    return `overridden by ${cell(approval.approved_by ?? "")}${error ? `: ${cell(error)}` : ""}`;
  if (trigger?.status === "received" && trigger.sent_by) return `event from ${cell(trigger.sent_by)}`;
  if (error) return cell(error);
  return cause ? `by ${cause}` : "";
}
