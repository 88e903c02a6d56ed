import type { RunTrace } from "../../workflows/engine/plan.ts";

/** What tells whoever is called the trace, and the span within which they are, as W3C Trace Context has it. */
export const traceHeaders = (
  { trace_id, sampled, state }: Pick<RunTrace, "trace_id" | "sampled" | "state">,
  span_id: string,
): Record<string, string> => ({
  Traceparent: `00-${trace_id}-${span_id}-${sampled ? "01" : "00"}`,
  ...(state !== undefined && { Tracestate: state }),
});
