/** Of the variables of traces: a wrong value, and what is said of it. */
export const WRONG_TRACING: [variables: Record<string, string>, sentence: string][] = [
  [{ OTEL_SDK_DISABLED: "1" }, "OTEL_SDK_DISABLED must be one of true, false"],
  ...["col:4318", "http:c", "http:///", "http://c \n", "http://u:%e9@c"].flatMap(
    (url): [Record<string, string>, string][] => [
      [
        { OTEL_EXPORTER_OTLP_ENDPOINT: url },
        "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL like http://collector:4318, without spaces",
      ],
      [
        { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url },
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be a URL like http://collector:4318/v1/traces, without spaces",
      ],
    ],
  ),
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c?a=1" }, "OTEL_EXPORTER_OTLP_ENDPOINT must have no query and no fragment"],
  ...["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_RESOURCE_ATTRIBUTES"].flatMap((name) =>
    ["key", ",", " ", "=b", "a=b,c", "key=%"].map((value): [Record<string, string>, string] => [
      { [name]: value },
      `${name} must be like key=value, with commas between several`,
    ]),
  ),
  [{ OTEL_RESOURCE_ATTRIBUTES: "a=1,b=2,a=3" }, "OTEL_RESOURCE_ATTRIBUTES has a twice"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "key=1,Key=2" }, "OTEL_EXPORTER_OTLP_HEADERS must have each header once"],
  [{ OTEL_EXPORTER_OTLP_HEADERS: "a:b=c" }, "OTEL_EXPORTER_OTLP_HEADERS must be names and values of HTTP headers"],
  [
    { OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=b%0D%0Ac" },
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS must be names and values of HTTP headers",
  ],
  [
    { OTEL_EXPORTER_OTLP_HEADERS_FILE: "/none" },
    "OTEL_EXPORTER_OTLP_HEADERS_FILE can't be read: ENOENT: no such file or directory, open '/none'",
  ],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "OTEL_EXPORTER_OTLP_PROTOCOL must be one of http/protobuf, http/json"],
  [
    { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "grpc" },
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be one of http/protobuf, http/json",
  ],
  ...["0", " ", "0x10", "20001"].map((value): [Record<string, string>, string] => [
    { OTEL_EXPORTER_OTLP_TIMEOUT: value },
    "OTEL_EXPORTER_OTLP_TIMEOUT must be a whole number from 1 to 20000",
  ]),
  [{ OTEL_EXPORTER_OTLP_COMPRESSION: "zip" }, "OTEL_EXPORTER_OTLP_COMPRESSION must be one of gzip, none"],
  ...["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"].map(
    (name): [Record<string, string>, string] => [
      { [name]: "/none" },
      `${name} can't be read: ENOENT: no such file or directory, open '/none'`,
    ],
  ),
  [
    { OTEL_TRACES_SAMPLER: "some" },
    "OTEL_TRACES_SAMPLER must be one of parentbased_always_on, parentbased_always_off, parentbased_traceidratio, always_on, always_off, traceidratio",
  ],
  ...["2", " ", "-0.1", "0,5", "0x1", ".", "NaN"].map((value): [Record<string, string>, string] => [
    { OTEL_TRACES_SAMPLER_ARG: value },
    "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1",
  ]),
];
