import type { CommandOutcome } from "../engine/command.ts";
import { pauseIn } from "../engine/reasons/waits.ts";
import type { Run } from "../engine/run.ts";
import { rfc3339 } from "../engine/time.ts";
import { failedStepOf } from "./failed-step.ts";
import { openSteps } from "./open-steps.ts";
import { refusalsAmong } from "./refused-lately.ts";
import type { Standing } from "./standing.ts";
import { cell } from "./text.ts";

/** A table of more steps than this is not drawn: it would cost more than the run. */
const LARGEST_TABLE = 100;

/** What the Temporal Web UI shows of a run, as Markdown: what is open or has failed, what was refused lately, and the table of its steps. */
export function detailsOf(run: Run, standing: Standing): string {
  const { plan, state } = run;
  const isLarge = plan.steps.length > LARGEST_TABLE;
  const open = openSteps(run, standing, isLarge ? 0 : LARGEST_TABLE);
  const parts = [
    titleOf(run, standing),
    open.join("\n"),
    refusalsAmong(state.commands),
    isLarge ? countsOf(run) : tableOf(run),
  ];
  return parts.filter(Boolean).join("\n\n");
}

function titleOf(run: Run, { failed }: Standing): string {
  const { plan, state } = run;
  const pause = state.status === "paused" ? pauseIn(run) : undefined;
  // What a step failed with is told of the step.
  const isTold = failedStepOf(run, failed)?.error === state.error;
  const why = state.error && !isTold ? `: ${cell(state.error)}` : pausedBy(pause);
  return `**${cell(plan.run.workflow_name)}** v${plan.run.workflow_version} is **${state.status}**${why}`;
}

const pausedBy = (pause: CommandOutcome | undefined): string =>
  pause === undefined ? "" : ` by ${cell(pause.actor)}${pause.reason ? `: ${cell(pause.reason)}` : ""}`;

const countsOf = ({ plan, schedule }: Run): string =>
  `${plan.steps.length} steps, ${schedule.unfinished} not finished, ${schedule.running} running`;

function tableOf({ plan, state }: Run): string {
  const rows = plan.steps.map((definition, i) => {
    const step = state.steps[i];
    if (!step) return "";
    const since = step.finished_at ?? step.started_at;
    return `| ${cell(definition.step_ref)} | ${definition.step_type} | ${step.status} | ${step.attempt} | ${since === undefined ? "" : rfc3339(since)} | ${note(step)} |`;
  });
  return ["| step | type | status | attempt | since | note |", "|---|---|---|---|---|---|", ...rows].join("\n");
}

function note({ approval, trigger, error, cause }: Run["state"]["steps"][number]): string {
  if (approval?.status === "approved") return `approved by ${cell(approval.approved_by ?? "")}`;
  if (approval?.status === "overridden")
    return `overridden by ${cell(approval.approved_by ?? "")}${error ? `: ${cell(error)}` : ""}`;
  if (trigger?.status === "received" && trigger.sent_by) return `event from ${cell(trigger.sent_by)}`;
  if (error) return cell(error);
  return cause ? `by ${cause}` : "";
}
