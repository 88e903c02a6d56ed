import { validateHeaderName, validateHeaderValue } from "node:http";
import { z } from "zod";
import { checkKeyPair, type Context, fileOf } from "./key-pair.ts";
import { baseUrl, certificateFile, count, decodedOf, flag, keyFile, share, text, webUrl } from "./values.ts";

/** Where spans are sent, what they are of, and which. */
export interface TracingConfig {
  url: string;
  headers: Record<string, string>;
  protocol: "http/protobuf" | "http/json";
  resource: Record<string, string>;
  /** Of traces that begin here, the share that is sampled; `follows`: those that come are sampled as they come. */
  sampler: { ratio: number; follows: boolean };
}

/** key=value, several with commas between them, each percent-encoded where it has to be. */
const pairs = z.string().transform((given, context) => {
  const all = new Map<string, string>();
  const wrong = (message: string) => {
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  for (const part of given.split(",").flatMap((each) => each.trim() || [])) {
    const [, key, value = ""] = /^([^=\s]+)\s*=\s*(.*)$/.exec(part) ?? [];
    const decoded = decodedOf(value);
    if (key === undefined || decoded === undefined) return wrong(PAIRS);
    if (all.has(key)) return wrong(`has ${key} twice`);
    all.set(key, decoded);
  }
  return all.size === 0 ? wrong(PAIRS) : Object.fromEntries(all);
});
const PAIRS = "must be like key=value, with commas between several";

/** As Node takes them: of one that it refuses, all spans would be lost, each with the request that it is sent in. */
const headers = pairs
  .refine((all) => Object.entries(all).every(isHeader), "must be names and values of HTTP headers")
  .refine((all) => {
    const names = Object.keys(all).map((name) => name.toLowerCase());
    return new Set(names).size === names.length;
  }, "must have each header once");

function isHeader([name, value]: [string, string]): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

const protocol = z.enum(["http/protobuf", "http/json"]);

/** By the names and with the meanings of OpenTelemetry. The exporter reads those from the environment that are not in TracingConfig. */
export const tracingVariables = {
  OTEL_SDK_DISABLED: flag(false),
  OTEL_EXPORTER_OTLP_ENDPOINT: baseUrl("http://collector:4318").optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: webUrl("http://collector:4318/v1/traces").optional(),
  OTEL_EXPORTER_OTLP_HEADERS: headers.optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: headers.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol.default("http/protobuf"),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol.optional(),
  // Less than a worker has spans in hand: src/store/ended-spans.ts
  OTEL_EXPORTER_OTLP_TIMEOUT: count(1, 20_000).optional(),
  OTEL_EXPORTER_OTLP_COMPRESSION: z.enum(["gzip", "none"]).optional(),
  OTEL_EXPORTER_OTLP_CERTIFICATE: certificateFile.optional(),
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: certificateFile.optional(),
  OTEL_EXPORTER_OTLP_CLIENT_KEY: keyFile.optional(),
  OTEL_SERVICE_NAME: text.optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs.default({}),
  OTEL_TRACES_SAMPLER: z
    .enum([
      "parentbased_always_on",
      "parentbased_always_off",
      "parentbased_traceidratio",
      "always_on",
      "always_off",
      "traceidratio",
    ])
    .default("parentbased_always_on"),
  OTEL_TRACES_SAMPLER_ARG: share.default(1),
};

type Found = z.infer<z.ZodObject<typeof tracingVariables>>;

/** What no variable can say alone. */
export const checkTracing = (found: Found, context: Context): void =>
  checkKeyPair(
    fileOf(found, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
    fileOf(found, "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
    context,
  );

/** Undefined: off. */
export function tracingOf(found: Found): TracingConfig | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_TRACES_SAMPLER: sampler } = found;
  const url = found.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/+$/, "")}/v1/traces`);
  if (url === undefined || found.OTEL_SDK_DISABLED) return undefined;
  const ratio = sampler.endsWith("traceidratio") ? found.OTEL_TRACES_SAMPLER_ARG : sampler.endsWith("_on") ? 1 : 0;
  const named = found.OTEL_SERVICE_NAME && { "service.name": found.OTEL_SERVICE_NAME };
  return {
    url,
    headers: { ...found.OTEL_EXPORTER_OTLP_HEADERS, ...found.OTEL_EXPORTER_OTLP_TRACES_HEADERS },
    protocol: found.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? found.OTEL_EXPORTER_OTLP_PROTOCOL,
    resource: { "service.name": "workflow-runs", ...found.OTEL_RESOURCE_ATTRIBUTES, ...named },
    sampler: { ratio, follows: sampler.startsWith("parentbased_") },
  };
}
