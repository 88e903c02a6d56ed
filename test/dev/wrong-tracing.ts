/** Of the variables of traces: a wrong value, and what is said of it. */
export const WRONG_TRACING: [variables: Record<string, string>, sentence: string][] = [
  [{ OTEL_SDK_DISABLED: "1" }, "OTEL_SDK_DISABLED must be one of true, false"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "col:4318" }, "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that starts with http://"],
  [
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "col" },
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be a URL that starts with http://",
  ],
  [
    { OTEL_EXPORTER_OTLP_HEADERS: "key" },
    "OTEL_EXPORTER_OTLP_HEADERS must be like key=value, with commas between several",
  ],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "a:b=c" }, "OTEL_EXPORTER_OTLP_HEADERS must be names and values of HTTP headers"],
  [
    { OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=b%0D%0Ac" },
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS must be names and values of HTTP headers",
  ],
  [
    { OTEL_EXPORTER_OTLP_HEADERS_FILE: "/none" },
    "OTEL_EXPORTER_OTLP_HEADERS_FILE can't be read: ENOENT: no such file or directory, open '/none'",
  ],
  [
    { OTEL_EXPORTER_OTLP_TRACES_HEADERS: "key=%" },
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS must be like key=value, with commas between several",
  ],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "OTEL_EXPORTER_OTLP_PROTOCOL must be one of http/protobuf, http/json"],
  [
    { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "grpc" },
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be one of http/protobuf, http/json",
  ],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: "0" }, "OTEL_EXPORTER_OTLP_TIMEOUT must be at least 1"],
  [{ OTEL_EXPORTER_OTLP_COMPRESSION: "zip" }, "OTEL_EXPORTER_OTLP_COMPRESSION must be one of gzip, none"],
  ...["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"].map(
    (name): [Record<string, string>, string] => [
      { [name]: "/none" },
      `${name} can't be read: ENOENT: no such file or directory, open '/none'`,
    ],
  ),
  [
    { OTEL_RESOURCE_ATTRIBUTES: "a=b,c" },
    "OTEL_RESOURCE_ATTRIBUTES must be like key=value, with commas between several",
  ],
  [
    { OTEL_TRACES_SAMPLER: "some" },
    "OTEL_TRACES_SAMPLER must be one of parentbased_always_on, parentbased_always_off, parentbased_traceidratio, always_on, always_off, traceidratio",
  ],
  [{ OTEL_TRACES_SAMPLER_ARG: "2" }, "OTEL_TRACES_SAMPLER_ARG must be at most 1"],
];
