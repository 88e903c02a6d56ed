import { execFile } from "node:child_process";
import { type Served, serveIn } from "../../bench/servers/serve-in.ts";
import type { Stack } from "./harness.ts";

/** Processes as they run in production, beside or in place of the stack's own, which a test may kill. */
export const startApiProcess = (stack: Stack, more: Record<string, string> = {}): Promise<Served> =>
  serveIn("src/api.ts", { ...variablesOf(stack), ...more });

/** Resolves when it polls. */
export const startWorkerProcess = (
  stack: Stack,
  file = "src/worker.ts",
  more: Record<string, string> = {},
): Promise<Served> => serveIn(file, { ...variablesOf(stack), ...more }, "polling");

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A process that is to end by itself, with these variables in place of the stack's. */
export function endOf(stack: Stack, args: string[], variables: Record<string, string>): Promise<Ended> {
  const env = { ...process.env, PORT: "1", ...variablesOf(stack), ...variables };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

export const variablesOf = ({ config }: Stack): Record<string, string> => ({
  DATABASE_URL: config.databaseUrl,
  TEMPORAL_ADDRESS: config.temporalAddress,
  TEMPORAL_NAMESPACE: config.temporalNamespace,
  JWT_SECRET: config.auth.secret,
  JWT_ISSUER: config.auth.issuer,
  JWT_AUDIENCE: config.auth.audience,
  RUN_TOKEN_SECRET: config.runTokenSecret ?? "",
  ALLOW_PRIVATE_ENDPOINTS: String(config.allowPrivateEndpoints),
  DRAIN_SECS: String(config.drainSecs),
  LOG_LEVEL: "info",
});
