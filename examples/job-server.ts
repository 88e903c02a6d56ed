import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A request that reached the job server. `answer` is there once the whole of it has been handed over. */
export interface Call {
  endpoint: string;
  run_id: string;
  attempt: number;
  body: Body;
  answer?: object;
}

export interface JobServer {
  port: number;
  calls: Call[];
  close(): Promise<void>;
}

/**
 * What the examples' trigger payloads may hold. `fail` names an endpoint's last word and makes it answer 422, so that
 * `{"fail": "smoke-test"}` shows a rollback; `pace` makes every job that many times slower, or quicker below 1.
 */
export interface Body {
  version?: string;
  image?: string;
  url?: string;
  to?: string;
  invoice_id?: string;
  amount_cents?: number;
  fail?: string;
  pace?: number;
  parent_outputs?: Record<string, unknown>;
}

type Job = { ms: number; answer: (body: Body) => object };

const JOBS: Record<string, Job> = {
  "/release/build": {
    ms: 600,
    answer: ({ version = "0.0.0" }) => ({ image: `registry.example/shop:${version}`, size_mb: 84 }),
  },
  "/release/unit-tests": { ms: 800, answer: () => ({ passed: 412, failed: 0 }) },
  "/release/integration-tests": { ms: 1500, answer: () => ({ passed: 58, failed: 0 }) },
  "/release/lint": { ms: 400, answer: () => ({ warnings: 0 }) },
  "/release/deploy": {
    ms: 900,
    answer: ({ image }) => ({ url: "https://shop.example", image, previous: "registry.example/shop:stable" }),
  },
  "/release/smoke-test": { ms: 500, answer: ({ url }) => ({ url, healthy: true }) },
  "/release/rollback": { ms: 700, answer: ({ to }) => ({ restored: to }) },
  "/invoice/check": { ms: 300, answer: ({ invoice_id, amount_cents }) => ({ invoice_id, amount_cents, valid: true }) },
  "/invoice/notify": { ms: 200, answer: ({ invoice_id }) => ({ invoice_id, notified: true }) },
};

/** The HTTP endpoints that the example workflows call, on one port of this machine; port 0 takes a free one. */
export async function startJobServer(port: number): Promise<JobServer> {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const job = Object.hasOwn(JOBS, request.url ?? "") ? JOBS[request.url ?? ""] : undefined;
    const body = await bodyOf(request);
    if (request.method !== "POST" || job === undefined || body === undefined) {
      response.writeHead(404, { "content-type": "application/json" }).end('{"error":"no such job"}');
      return;
    }
    const call: Call = {
      endpoint: request.url ?? "",
      run_id: String(request.headers["x-run-id"]),
      attempt: Number(request.headers["x-attempt"]),
      body,
    };
    calls.push(call);
    await sleep(job.ms * Math.min(Math.max(Number(body.pace) || 1, 0), 100));
    const failed = typeof body.fail === "string" && call.endpoint.endsWith(`/${body.fail}`);
    const answer = failed ? { error: `${body.fail} failed` } : job.answer(body);
    response.once("finish", () => {
      call.answer = answer;
    });
    response.writeHead(failed ? 422 : 200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((listening, failed) => server.once("error", failed).listen(port, "127.0.0.1", listening));
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    async close() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Body | undefined> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  try {
    const body: unknown = JSON.parse(text || "{}");
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}
