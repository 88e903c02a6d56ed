import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import type { DestinationStream, Logger } from "pino";
import { type Claims, mintToken } from "../../src/cli/mint.ts";
import type { Config } from "../../src/config.ts";
import { parseJson, stringifyJson } from "../../src/contract/json.ts";
import type { Deps } from "../../src/deps.ts";
import { createApp } from "../../src/http/app.ts";
import { createLog } from "../../src/log.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { connect } from "../../src/runtime/open.ts";
import { installRuntime, startWorker } from "../../src/runtime/worker.ts";
import { cloneDatabase } from "./database.ts";
import type { SharedServers } from "./shared-servers.ts";
import { type JobEndpoint, startJobEndpoint } from "./job-endpoint.ts";
import { createNamespace } from "./namespace.ts";

const AUTH = { issuer: "test-issuer", audience: "test-audience", secret: "a secret for tests, of 32 characters" };

export interface Answered<Body> {
  status: number;
  headers: Headers;
  /** Parsed if it is JSON. */
  body: Body;
}

export interface RequestOptions {
  token?: string;
  headers?: Record<string, string>;
}

/** A string body is sent as it is. Without a token in `options` it is that of ada; `token: ""` sends none. */
type Request = <Body = unknown>(
  method: string,
  path: string,
  body?: unknown,
  options?: RequestOptions,
) => Promise<Answered<Body>>;

export interface Stack {
  deps: Deps;
  config: Config & { auth: typeof AUTH };
  apiUrl: string;
  jobs: JobEndpoint;
  /** Defaults: ada, project demo, every scope. */
  token(claims?: Partial<Claims>, expiresInSecs?: number): string;
  request: Request;
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
  /** No worker runs until `meanwhile` is over. */
  withoutWorker<Told>(meanwhile: () => Promise<Told>): Promise<Told>;
  stop(): Promise<void>;
}

export interface StackOptions {
  /** False: none runs until startWorker. */
  worker?: boolean;
  allowPrivateEndpoints?: boolean;
  smtpUrl?: string;
  tracing?: Config["tracing"];
  /** Servers of the test's own, in place of the shared ones. */
  servers?: Partial<SharedServers>;
  /** "silent" where a test takes a server away: the complaints are as they should be. */
  logLevel?: string;
  /** The standard output, unless told. */
  logTo?: DestinationStream;
}

/** An API, a worker and a job endpoint over a database and a Temporal namespace of their own. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { worker = true, allowPrivateEndpoints = true, smtpUrl, tracing, logLevel = "error", logTo } = options;
  const servers = { ...inject("servers"), ...options.servers };
  const name = `test-${randomBytes(6).toString("hex")}`;
  const [databaseUrl] = await Promise.all([
    cloneDatabase(servers.templateUrl, name),
    createNamespace(servers.temporalAddress, name),
  ]);
  const config = {
    host: "127.0.0.1",
    port: 0,
    databaseUrl,
    databasePoolSize: 20,
    temporalAddress: servers.temporalAddress,
    temporalNamespace: name,
    auth: AUTH,
    runTokenSecret: "another secret for tests, also 32 long",
    allowPrivateEndpoints,
    publicUrl: "http://links.test",
    smtpUrl,
    mailFrom: "runs <runs@example.com>",
    corsOrigins: [],
    maxSteps: 1_000,
    drainSecs: 5,
    tracing,
    logLevel,
  };
  const log = createLog(config, undefined, logTo);
  installRuntimeOnce(log);
  const stops: (() => Promise<unknown>)[] = [];
  const onStop = (stop: () => Promise<unknown>) => stops.unshift(stop);
  const deps = await connect(config, { onStop, log, stopping: new AbortController().signal });
  const server = await serve(createApp(deps, { checksAnswers: true }), config.host, config.port);
  const jobs = await startJobEndpoint();
  const apiUrl = `http://127.0.0.1:${server.port}`;
  const token: Stack["token"] = (claims, expiresInSecs) =>
    mintToken(AUTH, { sub: "ada", projects: ["demo"], scopes: ["*"], ...claims }, expiresInSecs);

  let running: Awaited<ReturnType<typeof startWorker>> | undefined;
  const stack: Stack = {
    deps,
    config,
    apiUrl,
    jobs,
    token,
    request: requestTo(apiUrl, token),
    async startWorker() {
      running ??= await startWorker(deps, { codePath: inject("bundlePath") });
    },
    async stopWorker() {
      await running?.stop();
      running = undefined;
    },
    async withoutWorker(meanwhile) {
      await stack.stopWorker();
      try {
        return await meanwhile();
      } finally {
        await stack.startWorker();
      }
    },
    async stop() {
      await stack.stopWorker();
      await Promise.all([server.close(), jobs.close()]);
      for (const stop of stops) await stop();
    },
  };
  if (worker) await stack.startWorker();
  return stack;
}

/** Requests to the API at `apiUrl`, be it the stack's own or another process. */
export const requestTo =
  (apiUrl: string, token: () => string): Request =>
  async <Body>(method: string, path: string, body?: unknown, options: RequestOptions = {}) => {
    const bearer = options.token ?? token();
    const headers = { "content-type": "application/json", ...(bearer && { authorization: `Bearer ${bearer}` }) };
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { ...headers, ...options.headers },
      body: body === undefined || typeof body === "string" ? body : stringifyJson(body),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text ? parseJson(text) : text) as Body,
    };
  };

/** Of the stack that was started last: files come one after the other, and a process has one runtime of the SDK. */
let latestLog: Logger | undefined;
function installRuntimeOnce(log: Logger): void {
  const isInstalled = latestLog !== undefined;
  latestLog = log;
  if (isInstalled) return;
  const telling = (level: "info" | "warn" | "error") => (told: object, message: string) =>
    latestLog?.[level](told, message);
  installRuntime({ info: telling("info"), warn: telling("warn"), error: telling("error") });
}
