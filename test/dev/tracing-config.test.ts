import { expect, test } from "vitest";
import { loadConfig } from "../../src/config.ts";

const REQUIRED = { DATABASE_URL: "postgres://u@h/d", TEMPORAL_ADDRESS: "temporal:7233", JWT_SECRET: "s".repeat(32) };

test("traces are on once they are to be sent somewhere, as OpenTelemetry's variables say", () => {
  const tracing = (variables: Record<string, string>) => loadConfig({ ...REQUIRED, ...variables }).tracing;
  const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" };
  expect([tracing({}), tracing({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" })]).toEqual([undefined, undefined]);
  expect(tracing(ENDPOINT)).toEqual({
    url: "http://collector:4318/v1/traces",
    headers: {},
    protocol: "http/protobuf",
    resource: { "service.name": "workflow-runs" },
    sampler: { ratio: 1, follows: true },
  });
  expect(
    tracing({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector/own",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20k, tenant=a",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "tenant=b",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=a,deployment.environment.name=eu",
      OTEL_SERVICE_NAME: "b",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
    }),
  ).toEqual({
    url: "https://collector/own",
    headers: { authorization: "Bearer k", tenant: "b" },
    protocol: "http/json",
    resource: { "service.name": "b", "deployment.environment.name": "eu" },
    sampler: { ratio: 0.25, follows: false },
  });
});
