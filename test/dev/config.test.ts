import { expect, test } from "vitest";
import { loadConfig, loadDevConfig } from "../../src/config.ts";

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
  expect(loadConfig({ ...without, JWKS_URI }).auth).toMatchObject({ jwksUri: JWKS_URI });
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
