import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig, loadDevConfig } from "../../src/config.ts";
import { type Authority, makeAuthority, type Signed } from "../stack/tls/certificates.ts";

const REQUIRED = { DATABASE_URL: "postgres://u@h/d", TEMPORAL_ADDRESS: "temporal:7233", JWT_SECRET: "s".repeat(32) };

test("one message names every wrong variable", () => {
  const env = { ...REQUIRED, PORT: "http", DATABASE_URL: "mysql://h/d", LOG_LEVEL: "loud", LOG_FORMAT: "xml" };
  expect(() => loadConfig(env)).toThrow(
    /PORT must be a whole number .*; DATABASE_URL must be a URL .*; LOG_LEVEL must be one of .*; LOG_FORMAT must be one of json, pretty/,
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

function file(name: string, text: string | Buffer): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

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

test.each(["\n\n", "\r\n", "\r\n\r\n", "\r"])("what an editor puts around a secret is no part of it: %j", (end) => {
  const { DATABASE_URL, JWT_SECRET, ...rest } = REQUIRED;
  const secrets = {
    ...{
      DATABASE_URL,
      JWT_SECRET,
      RUN_TOKEN_SECRET: "r".repeat(32),
      TEMPORAL_API_KEY: "api-key",
      SMTP_URL: "smtp://mail",
    },
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", OTEL_EXPORTER_OTLP_HEADERS: "key=value" },
  };
  const inFiles = (around: (secret: string) => string) =>
    Object.entries(secrets).map(([name, secret]) =>
      name === "OTEL_EXPORTER_OTLP_ENDPOINT" ? [name, secret] : [`${name}_FILE`, file(name, around(secret))],
    );
  const config = loadConfig({ ...rest, ...secrets });
  expect(loadConfig({ ...rest, ...Object.fromEntries(inFiles((secret) => secret + end)) })).toEqual(config);
  expect(loadConfig({ ...rest, ...Object.fromEntries(inFiles((secret) => `\uFEFF${secret}${end}`)) })).toEqual(config);
  const wide = {
    ...rest,
    JWT_SECRET,
    DATABASE_URL_FILE: file("wide", Buffer.from(`\uFEFF${DATABASE_URL}`, "utf16le")),
  };
  expect(() => loadConfig(wide)).toThrow(/DATABASE_URL_FILE can't be read: .*utf-8/);
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
