import { dependenciesOf, isOver, letsGoOn, type ReferenceRun } from "./reference-run.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { ApprovalState, TriggerState } from "../../workflows/engine/state.ts";
import { ownRows, runRow, stepRow } from "../../workflows/engine/mirror/view.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";

/** What an engine shows of a run and wants to go on for it, in the words of referenceView. */
export function engineView(run: Run) {
  const { status, error, finished_at, expires_at, payload, step_payloads } = runRow(run);
  return {
    run: { status, error, finished_at, expires_at, payload, step_payloads },
    steps: run.plan.steps.map((_, i) => {
      const row = stepRow(run, i);
      return {
        status: row.status,
        attempt: row.attempt,
        life: row.generation,
        deps_completed: row.deps_completed,
        cause: row.cause,
        error: row.error,
        output: row.output,
        started_at: row.started_at,
        finished_at: row.finished_at,
        has_job_run: row.job_run_id !== undefined,
        has_child: row.child_run_id !== undefined,
        approval: gate(ownRows(run, i).approval),
        trigger: gate(ownRows(run, i).trigger),
        work: workOf(run, i).map((work) => (work.kind === "timer" ? `timer ${work.until}` : work.kind)),
      };
    }),
  };
}

export function referenceView(run: ReferenceRun): ReturnType<typeof engineView> {
  const { status, error, finished_at, expires_at, payload, step_payloads, steps, definitions } = run;
  return {
    run: { status, error, finished_at, expires_at, payload, step_payloads },
    steps: steps.map((step, i) => {
      const type = definitions[i]?.step_type;
      const isRegistered =
        type === "approval"
          ? step.started_at === undefined || step.approval !== undefined || isOver(step)
          : type !== "wait_for_event" || step.trigger?.event_key !== undefined;
      const isBegun = step.started_at !== undefined;
      return {
        status: step.status,
        attempt: step.attempt,
        life: step.life,
        deps_completed: dependenciesOf(run, i).filter((d) => letsGoOn(run, d)).length,
        cause: step.cause,
        error: step.error,
        output: step.output,
        // Whoever sees that it waits for an event can send it.
        started_at: isOver(step) || isRegistered ? step.started_at : undefined,
        finished_at: step.finished_at,
        has_job_run: isBegun && type === "job" && !step.copied,
        has_child: step.child?.begun === true,
        approval: gate(step.approval),
        trigger: isRegistered ? gate(step.trigger) : undefined,
        work: workFor(step, type, isRegistered),
      };
    }),
  };
}

function workFor(step: ReferenceRun["steps"][number], type: string | undefined, isRegistered: boolean): string[] {
  if (isOver(step)) return step.emitting ? ["emit"] : [];
  if (step.started_at === undefined) return step.asking ? ["look-up"] : [];
  const work = [];
  if (type === "job" && !step.rests) work.push("dispatch");
  if (type === "sub_workflow") work.push("child");
  if (!isRegistered) work.push(type === "approval" ? "open-gate" : "open-wait");
  if (step.trigger?.notify_status === "pending") work.push("notify");
  if (step.due !== undefined) work.push(`timer ${step.due}`);
  return work;
}

type Gate = Partial<Omit<ApprovalState, "status"> & Omit<TriggerState, "status">> & { status: string };

const gate = (of: Gate | undefined) =>
  of && {
    status: of.status,
    by: of.approved_by ?? of.sent_by,
    requested_at: of.requested_at,
    expires_at: of.expires_at,
    settled_at: of.approved_at ?? of.received_at,
    payload: of.response_payload,
    notified: of.notify_status,
    error: of.error,
    option: of.option,
    votes: of.votes?.map(({ actor, decision, at, as, comment, option }) => ({
      ...{ actor, decision, at, as, comment },
      option,
    })),
    comments: of.comments,
    approvers: of.approvers,
    escalated: [of.escalation_level, of.escalated_at],
    reminded: [of.reminders, of.reminded_at],
    reassignments: of.reassignments,
    extensions: of.extensions,
  };
