import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { type Authority, makeAuthority, type Signed } from "../stack/tls/certificates.ts";

const REQUIRED = { DATABASE_URL: "postgres://u@h/d", TEMPORAL_ADDRESS: "temporal:7233", JWT_SECRET: "s".repeat(32) };

let authority: Authority;
let client: Signed;
let other: Signed;
beforeAll(() => {
  authority = makeAuthority();
  [client, other] = [authority.sign("client"), authority.sign("other")];
});
afterAll(() => authority.remove());

test.each([
  ["TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH"],
  ["PGSSLCERT", "PGSSLKEY"],
  ["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"],
])("%s comes with its key, %s", (cert, key) => {
  const load = (variables: Record<string, string>) => () => loadConfig({ ...REQUIRED, ...variables });
  expect(load({ [cert]: client.cert, [key]: client.key })).not.toThrow();
  expect(load({ [cert]: client.cert, [key]: other.key })).toThrow(`${key} is not the key of ${cert}`);
  expect(load({ [cert]: client.cert })).toThrow(`${key} is needed with ${cert}`);
  expect(load({ [key]: client.key })).toThrow(`${cert} is needed with ${key}`);
});

test("a certificate in DATABASE_URL comes with its key, there or in a variable", () => {
  const load = (parameters: object, variables = {}) => {
    const DATABASE_URL = `${REQUIRED.DATABASE_URL}?${new URLSearchParams({ ...parameters })}`;
    return () => loadConfig({ ...REQUIRED, DATABASE_URL, ...variables });
  };
  const sslcert = client.cert;
  expect(load({ sslcert, sslkey: client.key })).not.toThrow();
  expect(load({ sslcert }, { PGSSLKEY: client.key })).not.toThrow();
  expect(load({ sslcert, sslkey: other.key })).toThrow(
    "DATABASE_URL: its sslkey is not the key of the sslcert of DATABASE_URL",
  );
  expect(load({ sslcert })).toThrow("PGSSLKEY is needed with the sslcert of DATABASE_URL");
});
