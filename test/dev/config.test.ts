import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WRONG_TRACING } from "./wrong-tracing.ts";
import { ConfigError, loadConfig, loadDevConfig, VARIABLES } from "../../src/config.ts";
import { type Authority, makeAuthority, type Signed } from "../stack/tls/certificates.ts";

const REQUIRED = { DATABASE_URL: "postgres://u@h/d", TEMPORAL_ADDRESS: "temporal:7233", JWT_SECRET: "s".repeat(32) };

test("one message names every wrong variable", () => {
  const env = { ...REQUIRED, PORT: "http", DATABASE_URL: "mysql://h/d", LOG_LEVEL: "loud", LOG_FORMAT: "xml" };
  expect(() => loadConfig(env)).toThrow(
    /PORT must be a number; DATABASE_URL must be a URL .*; LOG_LEVEL must be one of .*; LOG_FORMAT must be one of json, pretty/,
  );
  expect(() => loadConfig({})).toThrow(/DATABASE_URL is required; TEMPORAL_ADDRESS is required/);
});

test("production needs one way to verify tokens, and takes no two", () => {
  const { JWT_SECRET, ...without } = REQUIRED;
  const JWKS_URI = "https://id.example/keys";
  expect(() => loadConfig(without)).toThrow("Set JWT_SECRET or JWKS_URI.");
  expect(() => loadConfig({ ...without, JWT_SECRET, JWKS_URI })).toThrow("not both");
  expect(loadConfig({ ...without, JWKS_URI }).auth).toMatchObject({
    keySets: [{ uri: JWKS_URI, issuers: ["workflow-runs"] }],
  });
  expect(() => loadConfig({ ...without, JWT_SECRET: "short" })).toThrow("JWT_SECRET must have at least 32 characters");
});

test("private job endpoints are refused in production and allowed in the embedded stack, unless told otherwise", () => {
  expect(loadConfig(REQUIRED).allowPrivateEndpoints).toBe(false);
  expect(loadConfig({ ...REQUIRED, ALLOW_PRIVATE_ENDPOINTS: "true" }).allowPrivateEndpoints).toBe(true);
  expect(loadDevConfig({}).allowPrivateEndpoints).toBe(true);
});

test("CORS_ORIGINS is origins, or *, or nothing", () => {
  const origins = (CORS_ORIGINS: string) => loadConfig({ ...REQUIRED, CORS_ORIGINS }).corsOrigins;
  expect(origins("https://a.example, http://localhost:3000,")).toEqual(["https://a.example", "http://localhost:3000"]);
  expect([origins("*"), origins("")]).toEqual([["*"], []]);
  for (const wrong of ["a.example", "https://a.example/", "https://A.example", "https://*.example", "null"])
    expect(() => origins(wrong)).toThrow("CORS_ORIGINS must be origins");
});

test("a variable that is set but empty counts as not set", () => {
  expect(loadDevConfig({ PORT: "", DATABASE_URL: "" })).toMatchObject({ port: 8080, databaseUrl: undefined });
});

let dir: string;
let authority: Authority;
let client: Signed;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "workflow-runs-config-"));
  authority = makeAuthority();
  client = authority.sign("client");
});
afterAll(() => {
  authority.remove();
  rmSync(dir, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

/** Nothing is wrong with them for a text: they are names, which only a server can refuse. */
const ANY_TEXT = [
  "HOST",
  "OTEL_SERVICE_NAME",
  "TEMPORAL_NAMESPACE",
  "TEMPORAL_TLS_SERVER_NAME",
  "JWT_AUDIENCE",
  "DATA_DIR",
  "XDG_CACHE_HOME",
  "MAIL_FROM",
];
const DEV = ["POSTGRES_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "EXAMPLE_JOBS_PORT"];

describe("a wrong value is told in one sentence that names the variable", () => {
  const missing = "/nowhere/file";
  const unread = `can't be read: ENOENT: no such file or directory, open '${missing}'`;
  const wrong: [variables: Record<string, string>, sentence: string][] = [
    ...["PORT", "METRICS_PORT", "WORKER_PORT", ...DEV].map((name): [Record<string, string>, string] => [
      { [name]: "http" },
      `${name} must be a number`,
    ]),
    [{ PORT: "70000" }, "PORT must be at most 65535"],
    [{ DATABASE_URL: "mysql://h/d" }, "DATABASE_URL must be a URL that starts with postgres://"],
    [
      { DATABASE_URL: "postgres://h/d?sslmode=on" },
      "DATABASE_URL: its sslmode must be one of disable, prefer, require, verify-ca, verify-full, no-verify",
    ],
    [{ DATABASE_URL: `postgres://h/d?sslrootcert=${missing}` }, `DATABASE_URL: its sslrootcert ${unread}`],
    [{ DATABASE_POOL_SIZE: "1.5" }, "DATABASE_POOL_SIZE must be a whole number"],
    [{ DATABASE_POOL_SIZE: "0" }, "DATABASE_POOL_SIZE must be at least 1"],
    [{ PGSSLMODE: "on" }, "PGSSLMODE must be one of disable, prefer, require, verify-ca, verify-full, no-verify"],
    ...[
      ...["PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH"],
      ...["TEMPORAL_TLS_SERVER_CA_CERT_PATH", "DATABASE_URL_FILE", "JWT_SECRET_FILE", "RUN_TOKEN_SECRET_FILE"],
      ...["TEMPORAL_API_KEY_FILE", "SMTP_URL_FILE"],
    ].map((name): [Record<string, string>, string] => [{ [name]: missing }, `${name} ${unread}`]),
    ...["temporal", "http://temporal:7233", "temporal:70000", ":7233", "tem poral:7233", "temporal:7233/"].map(
      (address): [Record<string, string>, string] => [
        { TEMPORAL_ADDRESS: address },
        "TEMPORAL_ADDRESS must be host:port",
      ],
    ),
    [{ TEMPORAL_TLS: "yes" }, "TEMPORAL_TLS must be one of true, false"],
    [
      { TEMPORAL_TLS: "false", TEMPORAL_TLS_SERVER_NAME: "a" },
      "TEMPORAL_TLS is false, but TEMPORAL_TLS_SERVER_NAME is set: unset one of them",
    ],
    [{ TEMPORAL_API_KEY: "a key" }, "TEMPORAL_API_KEY must be printable ASCII without spaces"],
    [{ JWT_SECRET: "short" }, "JWT_SECRET must have at least 32 characters, in each of its lines"],
    [{ JWT_SECRET: `${"s".repeat(32)}\nshort` }, "JWT_SECRET must have at least 32 characters, in each of its lines"],
    [
      { JWT_SECRET: "", JWKS_URI: "https://id.example/keys,id.example" },
      "JWKS_URI must be a URL that starts with https:// or http://, or several with commas between them",
    ],
    [{ JWT_ISSUER: "," }, "JWT_ISSUER must have a name"],
    [{ RUN_TOKEN_SECRET: "short" }, "RUN_TOKEN_SECRET must have at least 32 characters"],
    [
      { CORS_ORIGINS: "a.example" },
      "CORS_ORIGINS must be origins like https://app.example, with commas between them, or *",
    ],
    [{ ALLOW_PRIVATE_ENDPOINTS: "1" }, "ALLOW_PRIVATE_ENDPOINTS must be one of true, false"],
    [{ MAX_STEPS: "10001" }, "MAX_STEPS must be at most 10000"],
    [{ DRAIN_SECS: "-1" }, "DRAIN_SECS must be at least 0"],
    [{ RETENTION: "completed" }, 'RETENTION has "completed" where it needs something like completed=30d'],
    [{ PUBLIC_URL: "runs.example" }, "PUBLIC_URL must be a URL that starts with http://"],
    [{ PUBLIC_URL: "https://runs.example/?a=1" }, "PUBLIC_URL must have no query and no fragment"],
    [{ SMTP_URL: "mail.example:25" }, "SMTP_URL must be a URL that starts with smtp://"],
    ...WRONG_TRACING,
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent"],
    [{ LOG_FORMAT: "xml" }, "LOG_FORMAT must be one of json, pretty"],
  ];

  test.each(wrong)("%o", (variables, sentence) => {
    const env = { ...REQUIRED, ...variables };
    for (const name of Object.keys(variables))
      if (name.endsWith("_FILE")) Reflect.deleteProperty(env, name.slice(0, -5));
    const load = DEV.some((name) => name in variables) ? loadDevConfig : loadConfig;
    expect(() => load(env)).toThrow(new ConfigError(`Wrong configuration: ${sentence}.`));
  });

  test("each variable is among them, and in .env.example", () => {
    const told = new Set([...ANY_TEXT, ...wrong.flatMap(([variables]) => Object.keys(variables))]);
    expect([...told].sort()).toEqual([...VARIABLES].sort());
    const example = readFileSync(".env.example", "utf8");
    expect(VARIABLES.filter((name) => !new RegExp(`^${name}=`, "m").test(example))).toEqual([]);
  });

  test("a file of another kind", () => {
    const text = file("text", "no certificate");
    const load = (variables: Record<string, string>) => () => loadConfig({ ...REQUIRED, ...variables });
    const none = (name: string, kind: string, path: string) =>
      `${name} must be the path of ${kind} in PEM: ${path} is none`;
    expect(load({ PGSSLROOTCERT: text })).toThrow(none("PGSSLROOTCERT", "a certificate", text));
    const keyPath = "TEMPORAL_TLS_CLIENT_KEY_PATH";
    expect(load({ TEMPORAL_TLS_CLIENT_CERT_PATH: client.cert, [keyPath]: client.cert })).toThrow(
      none(keyPath, "a private key without a passphrase", client.cert),
    );
    expect(load({ DATABASE_URL: "", DATABASE_URL_FILE: file("empty", "\n") })).toThrow(
      `DATABASE_URL_FILE names an empty file: ${join(dir, "empty")}`,
    );
  });
});

test("secrets come from files, and not from two places", () => {
  const url = `${REQUIRED.DATABASE_URL}?application_name=x`;
  const { DATABASE_URL: _, JWT_SECRET: __, ...rest } = REQUIRED;
  const files = {
    DATABASE_URL_FILE: file("url", `${url}\n`),
    JWT_SECRET_FILE: file("secret", `${"a".repeat(32)}\r\n${"b".repeat(32)}\n`),
    RUN_TOKEN_SECRET_FILE: file("run", "r".repeat(32)),
    TEMPORAL_API_KEY_FILE: file("key", "api-key\n"),
  };
  expect(loadConfig({ ...rest, ...files })).toMatchObject({
    databaseUrl: url,
    auth: { secret: "a".repeat(32), formerSecrets: ["b".repeat(32)] },
    runTokenSecret: "r".repeat(32),
    temporalApiKey: "api-key",
  });
  expect(() => loadConfig({ ...REQUIRED, ...files })).toThrow(
    "DATABASE_URL and DATABASE_URL_FILE are both set: unset one of them; JWT_SECRET and JWT_SECRET_FILE are both set",
  );
  const short = { ...rest, ...files, JWT_SECRET_FILE: file("short", "short") };
  expect(() => loadConfig(short)).toThrow("JWT_SECRET_FILE must have at least 32 characters");
});

test("Temporal is encrypted when anything says so, and with a key unless told otherwise", () => {
  const tls = (variables: Record<string, string>) => loadConfig({ ...REQUIRED, ...variables }).temporalTls;
  expect([tls({}), tls({ TEMPORAL_TLS: "false" })]).toEqual([undefined, undefined]);
  expect(tls({ TEMPORAL_TLS: "true" })).toEqual({});
  expect(tls({ TEMPORAL_API_KEY: "k" })).toEqual({});
  expect(tls({ TEMPORAL_API_KEY: "k", TEMPORAL_TLS: "false" })).toBeUndefined();
  expect(tls({ TEMPORAL_TLS_SERVER_NAME: "a", TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.cert })).toEqual({
    serverNameOverride: "a",
    serverRootCACertificate: readFileSync(authority.cert),
  });
  // The development server knows neither.
  expect(loadDevConfig({ TEMPORAL_API_KEY: "k", TEMPORAL_TLS: "true" })).not.toHaveProperty("temporalTls");
});

test("the URL of the database says all about its encryption", () => {
  const url = (DATABASE_URL: string, variables: Record<string, string> = {}) =>
    loadConfig({ ...REQUIRED, DATABASE_URL, ...variables }).databaseUrl;
  expect(url("postgres://u:p@h/d")).toBe("postgres://u:p@h/d");
  expect(url("postgres://h/d?sslmode=require")).toBe("postgres://h/d?sslmode=verify-full");
  expect(url("postgres://h/d?sslmode=require&uselibpqcompat=true")).toBe(
    "postgres://h/d?sslmode=require&uselibpqcompat=true",
  );
  const inFile = { PGSSLMODE: "verify-full", PGSSLROOTCERT: authority.cert };
  expect(new URL(url("postgres://h/d?sslmode=no-verify", inFile)).searchParams).toEqual(
    new URLSearchParams({ sslmode: "no-verify", sslrootcert: authority.cert }),
  );
});

test("of several key sets each is for its own issuer, where there are as many", () => {
  const { JWT_SECRET: _, ...rest } = REQUIRED;
  const sets = (JWKS_URI: string, JWT_ISSUER: string) => loadConfig({ ...rest, JWKS_URI, JWT_ISSUER }).auth;
  const [a, b] = ["https://a.example/keys", "https://b.example/keys"];
  expect(sets(`${a}, ${b}`, "a,b")).toMatchObject({
    keySets: [
      { uri: a, issuers: ["a"] },
      { uri: b, issuers: ["b"] },
    ],
  });
  expect(sets(a, "a,b")).toMatchObject({ keySets: [{ uri: a, issuers: ["a", "b"] }] });
  expect(() => sets(`${a},${b}`, "a,b,c")).toThrow("JWKS_URI has 2 key sets and JWT_ISSUER 3 issuers");
});
