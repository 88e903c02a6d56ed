import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { TLSConfig } from "@temporalio/client";
import { z } from "zod";
import { checkDatabase, completeDatabaseUrl, databaseVariables } from "./config/database.ts";
import { ConfigError, type FoundIn, read } from "./config/read.ts";
import { SECRET_FILES } from "./config/secret-files.ts";
import { mailVariables } from "./config/mail.ts";
import { retention } from "./config/retention.ts";
import { checkTracing, type TracingConfig, tracingOf, tracingVariables } from "./config/tracing.ts";
import { checkTemporal, temporalAccess, temporalVariables } from "./config/temporal.ts";
import { baseUrl, count, flag, host, names, origins, port, secret, secrets, text, webUrls } from "./config/values.ts";
import { DEFAULT_MAX_STEPS } from "../workflows/engine/definition/validate.ts";

/** Of the tokens that are taken. Those that are made here are of `issuer`. */
interface TokenNames {
  issuer: string;
  otherIssuers?: string[];
  audience: string;
}

/** The key set of an identity provider, for the tokens of these issuers. */
export interface KeySet {
  uri: string;
  issuers: string[];
}

/**
 * `formerSecrets` sign nothing any more. `isMadeHere`: the secret was made by the development stack, which keeps it in its DATA_DIR.
 */
export type AuthConfig = TokenNames &
  ({ secret: string; formerSecrets?: string[]; isMadeHere?: boolean } | { keySets: KeySet[] });

/** What the API and the worker need to run. */
export interface Config {
  host: string;
  port: number;
  /** Where the API tells its metrics; without it there are none. */
  metricsPort?: number;
  /** Where the worker tells its health and its metrics. */
  workerPort?: number;
  databaseUrl: string;
  /** How many connections each of a process's two pools has at most. */
  databasePoolSize: number;
  temporalAddress: string;
  temporalNamespace: string;
  /** Without it, in the clear. */
  temporalTls?: TLSConfig;
  temporalApiKey?: string;
  auth: AuthConfig;
  /** Signs the X-Run-Token of job requests; without it none is sent. */
  runTokenSecret?: string;
  /** Whether a job's endpoint may be on a loopback, link-local or private address. */
  allowPrivateEndpoints: boolean;
  /** Where people reach the API, for links that they are sent. */
  publicUrl: string;
  /** Sends mails; without it there are none. */
  smtpUrl?: string;
  mailFrom: string;
  /** Whose pages may call the API from a browser: origins, or `*`. */
  corsOrigins: string[];
  /** How many steps a workflow may have. */
  maxSteps: number;
  /** How long a worker that stops waits for the calls that it has begun. */
  drainSecs: number;
  /** What is kept of runs that have ended, as src/rules/retention.ts reads it. Without it everything is. */
  retention?: string;
  /** Without it there are no traces. */
  tracing?: TracingConfig;
  logLevel: string;
  /** Without it: pretty on a terminal, JSON elsewhere. */
  logFormat?: "json" | "pretty";
}

/** What the embedded stack needs, and where it puts what it provides itself. */
export interface DevConfig extends Omit<Config, "databaseUrl" | "temporalAddress" | "auth"> {
  databaseUrl?: string;
  temporalAddress?: string;
  auth: AuthConfig | TokenNames;
  postgresPort: number;
  temporalPort: number;
  temporalUiPort: number;
  exampleJobsPort: number;
  dataDir: string;
  cacheDir: string;
}

export { ConfigError };

const variables = {
  HOST: host.default("127.0.0.1"),
  PORT: port.default(8080),
  METRICS_PORT: port.optional(),
  WORKER_PORT: port.optional(),
  ...databaseVariables,
  DATABASE_URL: databaseVariables.DATABASE_URL.optional(),
  ...temporalVariables,
  JWT_SECRET: secrets.optional(),
  JWKS_URI: webUrls("https://id.example/keys").optional(),
  JWT_ISSUER: names.default(["workflow-runs"]),
  JWT_AUDIENCE: text.default("workflow-runs"),
  RUN_TOKEN_SECRET: secret.optional(),
  PUBLIC_URL: baseUrl("https://runs.example").optional(),
  ...mailVariables,
  CORS_ORIGINS: origins.default([]),
  MAX_STEPS: count(1, 10_000).default(DEFAULT_MAX_STEPS),
  DRAIN_SECS: count(0, 86_400).default(25),
  RETENTION: retention.optional(),
  ...tracingVariables,
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  LOG_FORMAT: z.enum(["json", "pretty"]).optional(),
};
type Together = Parameters<typeof checkTemporal>[0] &
  Parameters<typeof checkDatabase>[0] &
  Parameters<typeof checkTracing>[0];

/** What no variable can say alone. */
function checkTogether(found: Together, context: Parameters<typeof checkTemporal>[1]): void {
  for (const check of [checkTemporal, checkDatabase, checkTracing]) check(found, context);
}

const production = {
  ...variables,
  DATABASE_URL: variables.DATABASE_URL.unwrap(),
  TEMPORAL_ADDRESS: variables.TEMPORAL_ADDRESS.unwrap(),
  ALLOW_PRIVATE_ENDPOINTS: flag(false),
};
const development = {
  ...variables,
  ALLOW_PRIVATE_ENDPOINTS: flag(true),
  POSTGRES_PORT: port.default(5433),
  TEMPORAL_PORT: port.default(7233),
  TEMPORAL_UI_PORT: port.default(8233),
  EXAMPLE_JOBS_PORT: port.default(8070),
  DATA_DIR: text.default(".data"),
  XDG_CACHE_HOME: text.optional(),
};

/** Every variable that is read. */
export const VARIABLES = [...Object.keys(development), ...SECRET_FILES];

/** The configuration of the production processes. Throws one ConfigError that names every wrong variable. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const found = read(production, checkTogether, env);
  const auth = authOf(found);
  if (!("secret" in auth || "keySets" in auth)) throw new ConfigError("Set JWT_SECRET or JWKS_URI.");
  const databaseUrl = completeDatabaseUrl(found.DATABASE_URL, found);
  return { ...commonOf(found), databaseUrl, temporalAddress: found.TEMPORAL_ADDRESS, auth };
}

/** The configuration of the embedded stack, where nothing is required. */
export function loadDevConfig(env: NodeJS.ProcessEnv = process.env): DevConfig {
  const found = read(development, checkTogether, env);
  return {
    ...commonOf(found),
    databaseUrl: completeDatabaseUrl(found.DATABASE_URL, found),
    temporalAddress: found.TEMPORAL_ADDRESS,
    auth: authOf(found),
    postgresPort: found.POSTGRES_PORT,
    temporalPort: found.TEMPORAL_PORT,
    temporalUiPort: found.TEMPORAL_UI_PORT,
    exampleJobsPort: found.EXAMPLE_JOBS_PORT,
    dataDir: resolve(found.DATA_DIR),
    cacheDir: join(found.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "workflow-runs"),
  };
}

type Found = FoundIn<typeof production> | FoundIn<typeof development>;

function commonOf(found: Found): Omit<Config, "databaseUrl" | "temporalAddress" | "auth"> {
  return {
    host: found.HOST,
    port: found.PORT,
    metricsPort: found.METRICS_PORT,
    workerPort: found.WORKER_PORT,
    databasePoolSize: found.DATABASE_POOL_SIZE,
    temporalNamespace: found.TEMPORAL_NAMESPACE,
    ...temporalAccess(found),
    runTokenSecret: found.RUN_TOKEN_SECRET,
    publicUrl: (found.PUBLIC_URL ?? urlOf(found.HOST, found.PORT)).replace(/\/+$/, ""),
    smtpUrl: found.SMTP_URL,
    mailFrom: found.MAIL_FROM,
    allowPrivateEndpoints: found.ALLOW_PRIVATE_ENDPOINTS,
    corsOrigins: found.CORS_ORIGINS,
    maxSteps: found.MAX_STEPS,
    drainSecs: found.DRAIN_SECS,
    retention: found.RETENTION,
    tracing: tracingOf(found),
    logLevel: found.LOG_LEVEL,
    logFormat: found.LOG_FORMAT,
  };
}

/** A server that listens everywhere, or on loopback, is asked from here. */
function urlOf(host: string, port: number): string {
  const isHere = ["127.0.0.1", "0.0.0.0", "::", "::1"].includes(host);
  return `http://${isHere ? "localhost" : host.includes(":") ? `[${host}]` : host}:${port}`;
}

function authOf(found: Found): DevConfig["auth"] {
  const { JWT_SECRET, JWKS_URI: uris, JWT_ISSUER: issuers, JWT_AUDIENCE: audience } = found;
  const [issuer = "", ...otherIssuers] = issuers;
  const tokens = { issuer, otherIssuers, audience };
  if (JWT_SECRET && uris) throw new ConfigError("Set JWT_SECRET or JWKS_URI, not both.");
  if (JWT_SECRET) {
    const [secret = "", ...formerSecrets] = JWT_SECRET;
    return { ...tokens, secret, formerSecrets };
  }
  return uris ? { ...tokens, keySets: keySetsOf(uris, issuers) } : tokens;
}

/** An issuer's tokens are verified by its own key set, where each has its own. */
function keySetsOf(uris: string[], issuers: string[]): KeySet[] {
  if (uris.length === 1 || issuers.length === 1) return uris.map((uri) => ({ uri, issuers }));
  if (uris.length !== issuers.length)
    throw new ConfigError(
      `JWKS_URI has ${uris.length} key sets and JWT_ISSUER ${issuers.length} issuers: name one of each, or as many, in the same order.`,
    );
  return uris.map((uri, i) => ({ uri, issuers: issuers.slice(i, i + 1) }));
}
