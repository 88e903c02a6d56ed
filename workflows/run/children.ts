import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { CancellationScope, ParentClosePolicy, startChild, WorkflowIdReusePolicy } from "@temporalio/workflow";
import { sourcesOf } from "../attempt-input.ts";
import type { News } from "../engine/events.ts";
import { stepRunId } from "../engine/ids.ts";
import type { PlanStep } from "../engine/plan.ts";
import type { Run } from "../engine/run.ts";
import type { StepState } from "../engine/state.ts";
import { parentClosedSignal, type RunWorkflow } from "../messages.ts";
import { stepEffects } from "../proxies.ts";
import { nowOf } from "./clock.ts";
import { tellRun } from "./signal-run.ts";
import { webUiHeaders } from "../web-ui.ts";

const DEFAULT_NESTING_DEPTH = 10;

/** The sub-workflows of a run. */
export class Children {
  readonly #run: Run;
  readonly #inbox: News[];
  #starting = 0;
  /** Executions that are not closed yet, by run id, with their step. */
  readonly #unclosed = new Map<string, number>();

  constructor(run: Run, inbox: News[]) {
    this.#run = run;
    this.#inbox = inbox;
  }

  isStarting(): boolean {
    return this.#starting > 0;
  }

  /** One has said how it ended, and closes in a moment. */
  isClosing(): boolean {
    for (const [id, step] of this.#unclosed) if (this.#run.state.steps[step]?.child_ended === id) return true;
    return false;
  }

  /**
   * Starts the child of a step once and stays until the step has ended; if that was without the child, the child is
   * told. What is begun is not cancelled half-way: a child that was prepared is started, if only to be told.
   */
  async goOn(step: number, definition: PlanStep, state: StepState, child_run_id: string): Promise<void> {
    const { generation } = state;
    if (!state.child_started) {
      this.#starting++;
      const refused = await CancellationScope.nonCancellable(() => this.#start(step, definition, child_run_id));
      this.#starting--;
      const news = { step, generation };
      if (refused !== undefined) {
        this.#inbox.push({ ...news, type: "child_refused", error: refused });
        return;
      }
      this.#inbox.push({ ...news, type: "child_started" });
    }
    try {
      await CancellationScope.current().cancelRequested;
    } catch {
      const { status, child_ended } = this.#run.state.steps[step] ?? {};
      if (child_ended === child_run_id) return;
      const timedOut = this.#run.state.status === "timed_out" && status === "canceled";
      await CancellationScope.nonCancellable(() =>
        tellRun(child_run_id, parentClosedSignal, { status: timedOut ? "timed_out" : "canceled" }),
      );
    }
  }

  async #start(step: number, definition: PlanStep, child_run_id: string): Promise<string | undefined> {
    const { run } = this.#run.plan;
    const { child, generation } = this.#run.state.steps[step] as StepState;
    if (child) return this.#reopen(step, definition, child_run_id, child === "adopted", generation);
    const prepared = await stepEffects(definition.step_ref).prepareChild({
      child_run_id,
      sub_workflow_id: definition.sub_workflow_id ?? "",
      parent_step_run_id: stepRunId(run.id, step),
      depth: run.depth + 1,
      max_nesting_depth: definition.max_nesting_depth || DEFAULT_NESTING_DEPTH,
      expires_no_later_than: this.#run.state.expires_at,
      now: nowOf(run),
      created_by: run.created_by,
      sources: sourcesOf(this.#run, step),
    });
    if ("refused" in prepared) return prepared.refused;
    try {
      const started = await startChild<RunWorkflow>("workflowRun", {
        ...webUiHeaders(prepared.run),
        workflowId: child_run_id,
        args: [prepared],
        // It tells its parent when it ends, by workflow id: so the parent may continue as new meanwhile.
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      });
      this.#unclosed.set(child_run_id, step);
      const closed = () => void this.#unclosed.delete(child_run_id);
      started.result().then(closed, closed);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    return undefined;
  }

  async #reopen(step: number, { step_ref }: PlanStep, run_id: string, only_tell: boolean, life: number) {
    const parent = this.#run.plan.run.id;
    const id = `reopen:${stepRunId(parent, step)}:${life}`;
    const command = { id, actor: `workflow-run:${parent}`, life, only_tell };
    const { refused } = await stepEffects(step_ref).reopenRun({ run_id, verb: "reopen", command });
    return refused;
  }
}
