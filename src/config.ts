import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { parseRetention, RetentionError } from "./rules/retention.ts";
import { DEFAULT_MAX_STEPS } from "../workflows/engine/definition/validate.ts";

/** `isMadeHere`: the secret was made by the development stack, which keeps it in its DATA_DIR. */
export type AuthConfig = { issuer: string; audience: string } & (
  | { secret: string; isMadeHere?: boolean }
  | { jwksUri: string }
);

/** What the API and the worker need to run. */
export interface Config {
  host: string;
  port: number;
  databaseUrl: string;
  temporalAddress: string;
  temporalNamespace: string;
  auth: AuthConfig;
  /** Signs the X-Run-Token of job requests; without it none is sent. */
  runTokenSecret?: string;
  /** Whether a job's endpoint may be on a loopback, link-local or private address. */
  allowPrivateEndpoints: boolean;
  /** Whose pages may call the API from a browser: origins, or `*`. */
  corsOrigins: string[];
  /** How many steps a workflow may have. */
  maxSteps: number;
  /** How long a worker that stops waits for the calls that it has begun. */
  drainSecs: number;
  /** What is kept of runs that have ended, as src/rules/retention.ts reads it. Without it everything is. */
  retention?: string;
  logLevel: string;
  /** Without it: pretty on a terminal, JSON elsewhere. */
  logFormat?: "json" | "pretty";
}

/** What the embedded stack needs, and where it puts what it provides itself. */
export interface DevConfig extends Omit<Config, "databaseUrl" | "temporalAddress" | "auth"> {
  databaseUrl?: string;
  temporalAddress?: string;
  auth: AuthConfig | { issuer: string; audience: string };
  postgresPort: number;
  temporalPort: number;
  temporalUiPort: number;
  exampleJobsPort: number;
  dataDir: string;
  cacheDir: string;
}

export class ConfigError extends Error {}

const port = (standard: number) => z.coerce.number().int().min(1).max(65535).default(standard);
const flag = (standard: boolean) =>
  z
    .enum(["true", "false"])
    .default(standard ? "true" : "false")
    .transform((value) => value === "true");
const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `must be a URL that starts with ${protocols[0]}//`,
    );
const isOrigin = (text: string) =>
  text === "*" || (!text.includes("*") && URL.canParse(text) && new URL(text).origin === text);
const origins = z
  .string()
  .default("")
  .transform((text) => text.split(",").flatMap((part) => part.trim() || []))
  .refine((all) => all.every(isOrigin), "must be origins like https://app.example, with commas between them, or *");

const retention = z.string().superRefine((text, context) => {
  try {
    parseRetention(text);
  } catch (error) {
    if (!(error instanceof RetentionError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

const variables = {
  HOST: z.string().default("127.0.0.1"),
  PORT: port(8080),
  DATABASE_URL: url("postgres:", "postgresql:").optional(),
  TEMPORAL_ADDRESS: z.string().regex(/:\d+$/, "must be host:port").optional(),
  TEMPORAL_NAMESPACE: z.string().default("default"),
  JWT_SECRET: z.string().min(32, "must have at least 32 characters").optional(),
  JWKS_URI: url("http:", "https:").optional(),
  JWT_ISSUER: z.string().default("workflow-runs"),
  JWT_AUDIENCE: z.string().default("workflow-runs"),
  RUN_TOKEN_SECRET: z.string().min(32, "must have at least 32 characters").optional(),
  CORS_ORIGINS: origins,
  MAX_STEPS: z.coerce.number().int().min(1).max(10_000).default(DEFAULT_MAX_STEPS),
  DRAIN_SECS: z.coerce.number().int().min(0).max(86_400).default(25),
  RETENTION: retention.optional(),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  LOG_FORMAT: z.enum(["json", "pretty"]).optional(),
};
const production = z.object({
  ...variables,
  DATABASE_URL: variables.DATABASE_URL.unwrap(),
  TEMPORAL_ADDRESS: variables.TEMPORAL_ADDRESS.unwrap(),
  ALLOW_PRIVATE_ENDPOINTS: flag(false),
});
const development = z.object({
  ...variables,
  ALLOW_PRIVATE_ENDPOINTS: flag(true),
  POSTGRES_PORT: port(5433),
  TEMPORAL_PORT: port(7233),
  TEMPORAL_UI_PORT: port(8233),
  EXAMPLE_JOBS_PORT: port(8070),
  DATA_DIR: z.string().default(".data"),
  XDG_CACHE_HOME: z.string().optional(),
});

/** The configuration of the production processes. Throws one ConfigError that names every wrong variable. */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const found = read(production, env);
  const auth = authOf(found);
  if (!("secret" in auth || "jwksUri" in auth)) throw new ConfigError("Set JWT_SECRET or JWKS_URI.");
  return { ...commonOf(found), databaseUrl: found.DATABASE_URL, temporalAddress: found.TEMPORAL_ADDRESS, auth };
}

/** The configuration of the embedded stack, where nothing is required. */
export function loadDevConfig(env: NodeJS.ProcessEnv = process.env): DevConfig {
  const found = read(development, env);
  return {
    ...commonOf(found),
    databaseUrl: found.DATABASE_URL,
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

type Found = z.infer<typeof production> | z.infer<typeof development>;

function commonOf(found: Found): Omit<Config, "databaseUrl" | "temporalAddress" | "auth"> {
  return {
    host: found.HOST,
    port: found.PORT,
    temporalNamespace: found.TEMPORAL_NAMESPACE,
    runTokenSecret: found.RUN_TOKEN_SECRET,
    allowPrivateEndpoints: found.ALLOW_PRIVATE_ENDPOINTS,
    corsOrigins: found.CORS_ORIGINS,
    maxSteps: found.MAX_STEPS,
    drainSecs: found.DRAIN_SECS,
    retention: found.RETENTION,
    logLevel: found.LOG_LEVEL,
    logFormat: found.LOG_FORMAT,
  };
}

function authOf(found: Found): DevConfig["auth"] {
  const names = { issuer: found.JWT_ISSUER, audience: found.JWT_AUDIENCE };
  if (found.JWT_SECRET && found.JWKS_URI) throw new ConfigError("Set JWT_SECRET or JWKS_URI, not both.");
  if (found.JWT_SECRET) return { ...names, secret: found.JWT_SECRET };
  return found.JWKS_URI ? { ...names, jwksUri: found.JWKS_URI } : names;
}

/** A variable that is empty counts as not set: a compose file passes on what its user left out as empty. */
function read<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.infer<T> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const result = schema.safeParse(set, { error: wording });
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
  throw new ConfigError(`Wrong configuration: ${problems.join("; ")}.`);
}

function wording(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return "is required";
  if (issue.code === "invalid_value") return `must be one of ${issue.values.join(", ")}`;
  if (issue.code === "too_small") return `must be at least ${issue.minimum}`;
  if (issue.code === "too_big") return `must be at most ${issue.maximum}`;
  return Number.isNaN(issue.input) ? "must be a number" : undefined;
}
