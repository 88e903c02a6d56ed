import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { CancellationScope, ParentClosePolicy, startChild, WorkflowIdReusePolicy } from "@temporalio/workflow";
import { sourcesOf } from "../../attempt-input.ts";
import type { InboundEvent } from "../../engine/events.ts";
import { evolve } from "../../engine/evolve.ts";
import { stepRunId, traceWithin } from "../../engine/ids.ts";
import { takeUnmirrored } from "../../engine/mirror/mirroring.ts";
import { planOf, type PlanStep } from "../../engine/plan.ts";
import { initialRun, type Run } from "../../engine/run.ts";
import type { StepState } from "../../engine/state.ts";
import { parentClosedSignal, type RunWorkflow } from "../../messages.ts";
import { effects, stepEffects } from "../../proxies.ts";
import { nowOf } from "../clock.ts";
import { signalRun } from "../signal-run.ts";
import { webUiHeaders } from "../../web-ui/headers.ts";
import { workflowTypeOf } from "../../web-ui/workflow-type.ts";

const DEFAULT_NESTING_DEPTH = 10;

/** The step has ended before its child could be started. */
const UNWANTED = Symbol("unwanted");

/** The sub-workflows of a run. */
export class Children {
  readonly #run: Run;
  readonly #inbox: InboundEvent[];
  #starting = 0;
  /** Executions that are not closed yet, by run id, with their step. */
  readonly #unclosed = new Map<string, number>();

  constructor(run: Run, inbox: InboundEvent[]) {
    this.#run = run;
    this.#inbox = inbox;
  }

  isStarting(): boolean {
    return this.#starting > 0;
  }

  /** One has signalled how it ended, and closes in a moment. */
  isClosing(): boolean {
    for (const [id, step] of this.#unclosed) if (this.#run.state.steps[step]?.child_ended === id) return true;
    return false;
  }

  /**
   * Starts the child of a step once and stays until the step has ended; if that was without the child, the child is
   * signalled. What is begun is not cancelled half-way: a child that was prepared is started, or else its row says that it never
   * will be (by rules 0 it was started, if only to be signalled).
   */
  async run(step: number, definition: PlanStep, state: StepState, child_run_id: string): Promise<void> {
    const { generation } = state;
    const scope = CancellationScope.current();
    if (!state.child_started) {
      this.#starting++;
      const refused = await CancellationScope.nonCancellable(() => this.#start(step, definition, child_run_id, scope));
      this.#starting--;
      const ofStep = { step, generation };
      if (refused === UNWANTED) return;
      if (refused !== undefined) {
        this.#inbox.push({ ...ofStep, type: "child_refused", error: refused });
        return;
      }
      this.#inbox.push({ ...ofStep, type: "child_started" });
    }
    try {
      await CancellationScope.current().cancelRequested;
    } catch {
      if (this.#run.state.steps[step]?.child_ended === child_run_id) return;
      await CancellationScope.nonCancellable(() =>
        signalRun(child_run_id, parentClosedSignal, { status: this.#endWithout(step) }),
      );
    }
  }

  /** How a child ends whose step has ended without it. */
  #endWithout(step: number): "timed_out" | "canceled" {
    const { status, steps } = this.#run.state;
    return status === "timed_out" && steps[step]?.status === "canceled" ? "timed_out" : "canceled";
  }

  async #start(
    step: number,
    definition: PlanStep,
    child_run_id: string,
    scope: CancellationScope,
  ): Promise<string | typeof UNWANTED | undefined> {
    const { run } = this.#run.plan;
    const { child, generation, attempt } = this.#run.state.steps[step] as StepState;
    if (child) return this.#reopen(step, definition, child_run_id, child === "adopted", generation);
    const parent_step_run_id = stepRunId(run.id, step);
    const prepared = await stepEffects(definition.step_ref).prepareChild({
      child_run_id,
      sub_workflow_id: definition.sub_workflow_id ?? "",
      version_id: definition.sub_workflow_version_id,
      version_policy: definition.version_policy,
      parent_step_run_id,
      depth: run.depth + 1,
      max_nesting_depth: definition.max_nesting_depth || DEFAULT_NESTING_DEPTH,
      expires_no_later_than: this.#run.state.expires_at,
      now: nowOf(run),
      created_by: run.created_by,
      retried_by: run.retried_by,
      started: (this.#run.state.involved ?? run.involved)?.started,
      ...(run.trace && { trace: traceWithin(run.trace, parent_step_run_id, attempt) }),
      sources: sourcesOf(this.#run, step),
    });
    if ("refused" in prepared) return prepared.refused;
    if ((run.rules ?? 0) >= 1 && scope.consideredCancelled) {
      // It is stored, and nobody is to start it.
      const child = initialRun(planOf(prepared.run, prepared.steps));
      evolve(child, { type: "parent_closed", status: this.#endWithout(step), at: Date.now() });
      await effects.mirror(takeUnmirrored(child));
      return UNWANTED;
    }
    try {
      const { definition, ...input } = prepared;
      const started = await startChild<RunWorkflow>(workflowTypeOf(definition?.slug), {
        ...webUiHeaders(prepared.run, definition),
        workflowId: child_run_id,
        args: [input],
        // It signals its parent when it ends, by workflow id: so the parent may continue as new meanwhile.
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
