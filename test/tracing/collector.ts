import { serve } from "../../src/runtime/http-server.ts";

interface Value {
  stringValue?: string;
  intValue?: string | number;
  boolValue?: boolean;
  doubleValue?: number;
}
type Attributes = { key: string; value: Value }[];

/** As OTLP/HTTP has it in JSON. */
export interface Received {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code?: number };
  attributes: Attributes;
  events?: { name: string; attributes: Attributes }[];
  links?: { traceId: string; spanId: string }[];
}

export const told = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** What stands for an OpenTelemetry Collector in a test. `refuses` is what it answers while it is set. */
export async function startCollector() {
  const spans: Received[] = [];
  const asked: number[] = [];
  const requests: { headers: NodeJS.Dict<string | string[]>; service: unknown }[] = [];
  const state: { refuses?: number } = {};
  const server = await serve(
    async (request, response) => {
      let text = "";
      for await (const chunk of request.setEncoding("utf8")) text += chunk;
      asked.push(Date.now());
      if (state.refuses) return response.writeHead(state.refuses).end();
      const { resourceSpans } = JSON.parse(text);
      for (const { resource, scopeSpans } of resourceSpans) {
        requests.push({ headers: request.headers, service: told(resource.attributes)["service.name"] });
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    },
    "127.0.0.1",
    0,
  );
  const url = `http://127.0.0.1:${server.port}`;
  return {
    spans,
    /** When it was asked to take some, be they taken or not. */
    asked,
    requests,
    state,
    url,
    /** For a process. */
    variables: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
    /** For a stack. */
    config: {
      url: `${url}/v1/traces`,
      headers: { authorization: "a-key" },
      protocol: "http/json" as const,
      resource: { "service.name": "runs" },
      sampler: { ratio: 1, follows: true },
    },
    ofTrace: (traceId: string) => spans.filter((span) => span.traceId === traceId),
    close: server.close,
  };
}
