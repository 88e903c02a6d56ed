import type { HrTime } from "@opentelemetry/api";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import type { TracingConfig } from "../config/tracing.ts";
import type { IsSampled } from "./new-run.ts";
import type { EndedSpan } from "./span.ts";
import { spans as told } from "../topics.ts";

export interface Otlp {
  isSampled: IsSampled;
  /** The place that a `traceparent` names. */
  placeOf(traceparent: string): { trace_id: string; span_id: string; sampled: boolean } | undefined;
  /** Resolves when the collector has taken them, or never will. Rejects where it may later. */
  export(spans: EndedSpan[]): Promise<void>;
  close(): Promise<void>;
}

/** Malformed, or too large: sent again they would be refused again. */
const NEVER_TAKEN = [400, 413];

/** OpenTelemetry's exporter and sampler. They are loaded here and nowhere else: a process without traces does not pay for them. */
export async function openOtlp(
  { url, headers, protocol, resource, sampler }: TracingConfig,
  log: Pick<Logger, "warn">,
): Promise<Otlp> {
  const [{ SpanKind, SpanStatusCode, TraceFlags }, { TraceIdRatioBasedSampler, SamplingDecision }, core, resources] =
    await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/core"),
      import("@opentelemetry/resources"),
    ]);
  const { OTLPTraceExporter } = await (protocol === "http/json"
    ? import("@opentelemetry/exporter-trace-otlp-http")
    : import("@opentelemetry/exporter-trace-otlp-proto"));
  const exporter: SpanExporter = new OTLPTraceExporter({ url, headers });
  const ofProcess = resources.defaultResource().merge(resources.resourceFromAttributes(resource));
  // One for all spans: the exporter groups them by the object.
  const instrumentationScope = { name: "workflow-runs" };
  const byRatio = new TraceIdRatioBasedSampler(sampler.ratio);
  const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT };

  const place = ({ trace_id, span_id, state }: { trace_id: string; span_id: string; state?: string }) => ({
    ...{ traceId: trace_id, spanId: span_id, traceFlags: TraceFlags.SAMPLED },
    ...(state !== undefined && { traceState: new core.TraceState(state) }),
  });

  function readable(span: EndedSpan): ReadableSpan {
    const { trace_id, parent_span_id, started_at, ended_at, attributes, events = [], links = [] } = span;
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => place(span),
      ...(parent_span_id !== undefined && { parentSpanContext: place({ trace_id, span_id: parent_span_id }) }),
      startTime: timeOf(started_at),
      endTime: timeOf(ended_at),
      duration: timeOf(ended_at - started_at),
      ended: true,
      status: { code: "error.type" in attributes ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      attributes,
      events: events.map(({ name, at, attributes }) => ({ name, time: timeOf(at), attributes })),
      links: links.map((each) => ({ context: place(each) })),
      resource: ofProcess,
      instrumentationScope,
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    };
  }

  return {
    isSampled: (traceId, asked) =>
      sampler.follows && asked !== undefined
        ? asked
        : byRatio.shouldSample(undefined, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED,
    placeOf(traceparent) {
      const found = core.parseTraceParent(traceparent);
      return found
        ? { trace_id: found.traceId, span_id: found.spanId, sampled: (found.traceFlags & TraceFlags.SAMPLED) !== 0 }
        : undefined;
    },
    export: (spans) =>
      new Promise((done, failed) =>
        exporter.export(spans.map(readable), ({ code, error }) => {
          const count = spans.length;
          const isLost = NEVER_TAKEN.includes(Number(Reflect.get(Object(error), "code")));
          const outcome = code === core.ExportResultCode.SUCCESS ? "exported" : isLost ? "dropped" : "failed";
          told.publish({ outcome, count });
          if (outcome === "dropped") log.warn({ err: error, count }, "spans are lost: the collector refuses them");
          if (outcome === "failed") failed(error ?? new Error("not exported"));
          else done();
        }),
      ),
    close: () => exporter.shutdown(),
  };
}

/** Seconds and nanoseconds. Milliseconds have microseconds after the point, and not more. */
function timeOf(ms: number): HrTime {
  const microseconds = Math.round(ms * 1_000);
  return [Math.floor(microseconds / 1_000_000), (microseconds % 1_000_000) * 1_000];
}
