import type { IncomingHttpHeaders } from "node:http";
import { type Json, parseJson, stringifyJson } from "../../src/contract/json.ts";
import { serve } from "../../src/runtime/http-server.ts";

export interface Call {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** As it was sent. */
  text: string;
  body: Json | undefined;
  at: number;
  /** What it was told, once that has been sent. */
  answer?: Answer;
  /** The caller went away before it was answered. */
  cutOff?: true;
}

/** `body` is sent as JSON, or as it is if it is a string or bytes. Without an answer: 200 and an empty object. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

type Handler = (call: Call, nth: number) => Answer | undefined | Promise<Answer | undefined>;

/** The service that job steps call in a test. It keeps every call, so that a test can count them. */
export interface JobEndpoint {
  calls: Call[];
  callsTo(path: string): Call[];
  /** What to answer on a path; `nth` counts its calls from 1. Paths without a handler answer 200. */
  on(path: string, handler: Handler): void;
  /** Keeps every call of a path, later ones too, without an answer until the function returned is called. */
  hold(path: string): (answer?: Answer) => void;
  url(path: string): string;
  close(): Promise<void>;
}

export async function startJobEndpoint(): Promise<JobEndpoint> {
  const calls: Call[] = [];
  const handlers = new Map<string, Handler>();
  const callsTo = (path: string) => calls.filter((call) => call.path === path);
  const server = await serve(
    async (request, response) => {
      let text = "";
      for await (const chunk of request.setEncoding("utf8")) text += chunk;
      const path = request.url ?? "/";
      const call: Call = {
        method: request.method ?? "",
        path,
        headers: request.headers,
        text,
        body: jsonOf(text),
        at: Date.now(),
      };
      calls.push(call);
      response.once("close", () => {
        if (!response.writableFinished) call.cutOff = true;
      });
      const { status = 200, headers, body = {} } = (await handlers.get(path)?.(call, callsTo(path).length)) ?? {};
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(typeof body === "string" || Buffer.isBuffer(body) ? body : stringifyJson(body), () => {
        if (!call.cutOff) call.answer = { status, headers, body };
      });
    },
    "127.0.0.1",
    0,
  );
  return {
    calls,
    callsTo,
    on: (path, handler) => void handlers.set(path, handler),
    hold(path) {
      let release: (answer?: Answer) => void = () => {};
      const held = new Promise<Answer | undefined>((resolve) => {
        release = resolve;
      });
      handlers.set(path, () => held);
      return release;
    },
    url: (path) => `http://127.0.0.1:${server.port}${path}`,
    close: server.close,
  };
}

function jsonOf(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
