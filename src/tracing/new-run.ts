import { requestScope } from "../request-scope.ts";
import { runSpanId, traceIdOf } from "../../workflows/engine/ids.ts";
import type { RunTrace } from "../../workflows/engine/plan.ts";

/** Whether a trace is exported: as the request said with which it came, or as this process is configured. */
export type IsSampled = (traceId: string, asked?: boolean) => boolean;

/** The run that a new one retries, and the trace it is in. */
interface Source {
  id: string;
  trace: RunTrace;
}

/**
 * The trace of a run that begins. It is the one that came with the present request. If none came, the request's is that of the first
 * run that it makes, whose id it has; each further one is linked to the request.
 */
export function traceOfNewRun(isSampled: IsSampled, runId: string, source?: Source): RunTrace {
  const request = requestScope.getStore()?.trace;
  const { trace_id, parent, state } = { ...request };
  const retried = source ? [{ trace_id: source.trace.trace_id, span_id: runSpanId(source.id) }] : [];
  const own = traceIdOf(runId);
  if (request && parent) {
    const sampled = isSampled(parent.trace_id, parent.sampled);
    return { trace_id: parent.trace_id, span_id: request.span_id, state, sampled, ...linked(retried) };
  }
  const sampled = isSampled(own);
  if (!request || trace_id === undefined || trace_id === own) {
    if (request) request.trace_id = own;
    return { trace_id: own, ...(request && { span_id: request.span_id }), sampled, ...linked(retried) };
  }
  return { trace_id: own, sampled, ...linked([...retried, { trace_id, span_id: request.span_id }]) };
}

const linked = (links: NonNullable<RunTrace["links"]>) => (links.length > 0 ? { links } : {});
