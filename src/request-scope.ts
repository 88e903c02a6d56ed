import { AsyncLocalStorage } from "node:async_hooks";
import type { SpanPlace } from "../workflows/engine/plan.ts";

/** The request for which something is done. What is done for it may tell more of it. */
export interface RequestScope {
  request_id: string;
  /** The run and the step that it was about, where it was about one. */
  run?: string;
  step?: string;
  isAboutSeveral?: true;
  /** While traces are on. */
  trace?: RequestTrace;
}

/** A request's own span, whose trace is known once a trace came with it, or it has made a run. */
export interface RequestTrace {
  span_id: string;
  trace_id?: string;
  /** What came with it. */
  parent?: SpanPlace & { sampled: boolean };
  state?: string;
}

export const requestScope = new AsyncLocalStorage<RequestScope>();

/** That the present request, if there is one, is about this run. */
export function noteRun(run: string | undefined, step: string | undefined): void {
  const scope = requestScope.getStore();
  if (!scope || run === undefined || scope.isAboutSeveral) return;
  if (scope.run !== undefined && scope.run !== run) {
    scope.isAboutSeveral = true;
    scope.run = undefined;
    scope.step = undefined;
  } else {
    scope.run = run;
    scope.step = scope.step === undefined || scope.step === step ? step : undefined;
  }
}
