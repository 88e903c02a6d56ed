import { type Dispatcher, request } from "undici";
import { ACCEPT_ENCODING, decodedBytes, tooLarge } from "./answer-bytes.ts";
import { readableText, textOf } from "./answer-text.ts";
import type { Endpoints } from "./endpoint-agent.ts";
import { answerFailure, connectionFailure, EndpointFailure } from "./endpoint-failure.ts";
import { retryAfterMs } from "./retry-after.ts";
import { type Json, parseJson } from "../../src/contract/json.ts";
import { nestsDeeperThan } from "../../workflows/expressions/printed.ts";

const NO_CONTENT = 204;
const MAX_ANSWER_BYTES = 1_048_576;
const MAX_REFUSAL_BYTES = 8_192;
/** What Postgres and every later reader of the output can still take. */
const MAX_ANSWER_LEVELS = 500;
/** Longer than this, a timer of Node fires at once. */
const MAX_TIMER_MS = 2_147_483_647;

export interface EndpointCall {
  url: string;
  headers: Record<string, string>;
  body?: string;
  timeoutSecs: number;
  canceled: AbortSignal;
  /** Asked right before the request is written to its connection, for which it may have waited long. */
  isUnwanted?: () => boolean;
}

/**
 * One POST. Resolves with the answer as JSON text, undefined if it is empty. Throws EndpointFailure, NotSent, or the reason of
 * `canceled`.
 */
export async function callEndpoint(endpoints: Endpoints, call: EndpointCall): Promise<string | undefined> {
  call.canceled.throwIfAborted();
  const stop = new AbortController();
  const cancel = () => stop.abort(call.canceled.reason);
  call.canceled.addEventListener("abort", cancel, { once: true });
  const expire = () => stop.abort(new EndpointFailure("timeout", "execution timed out"));
  const timer = setTimeout(expire, Math.min(call.timeoutSecs * 1000, MAX_TIMER_MS));
  const { isUnwanted = () => false } = call;
  let isSent = false;
  const beforeSent = () => {
    if (isUnwanted()) throw new NotSent();
    isSent = true;
  };
  try {
    return await post(endpoints, call, stop.signal, beforeSent);
  } catch (error) {
    // It may have failed to connect meanwhile, or run out of time.
    if (!isSent && !call.canceled.aborted && isUnwanted()) throw new NotSent();
    if (stop.signal.aborted) throw stop.signal.reason;
    throw connectionFailure(error);
  } finally {
    clearTimeout(timer);
    call.canceled.removeEventListener("abort", cancel);
  }
}

async function post(
  endpoints: Endpoints,
  call: EndpointCall,
  signal: AbortSignal,
  beforeSent: () => void,
): Promise<string | undefined> {
  endpoints.assertAllowed(call.url);
  const { body } = call;
  const headers = { ...call.headers, "Accept-Encoding": ACCEPT_ENCODING };
  // undici's request follows no redirect by itself.
  const dispatcher = endpoints.agent.compose(asking(beforeSent));
  const answer = await request(call.url, { method: "POST", dispatcher, headers, body, signal });
  if (answer.statusCode === NO_CONTENT) {
    // Whatever its headers say of a body, it has none.
    await answer.body.dump().catch(() => {});
    return undefined;
  }
  // Proxies may say again what an endpoint has said: of what has one value, the first counts.
  const allOfName = (name: string) => [answer.headers[name] ?? []].flat();
  const told = (name: string) => allOfName(name)[0] ?? "";
  const bytes = decodedBytes(answer.body, allOfName("content-encoding").join(", "));
  const contentType = told("content-type");
  if (answer.statusCode < 200 || answer.statusCode > 299) {
    const said = await refusalText(bytes, contentType);
    throw answerFailure(answer.statusCode, said, retryAfterMs(answer.statusCode, told("retry-after"), Date.now()));
  }
  return outputOf(textOf(await allOf(bytes), contentType));
}

/** Of the request, nothing has left this process. The message is read in the Temporal Web UI. */
export class NotSent extends Error {
  override name = "NotSent";

  constructor() {
    super("not sent: this worker had stood still, and another one may have made the call meanwhile");
  }
}

/** Asks right before a request is written: what that throws, the request fails with. */
function asking(beforeSent: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      beforeSent();
      start?.(controller, context);
    };
    return dispatch(options, handler);
  };
}

async function allOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw tooLarge();
    all.push(chunk);
  }
  return Buffer.concat(all);
}

/** Of a refusal it is the status that counts: where its body cannot be read, the message says so. */
async function refusalText(chunks: AsyncIterable<Buffer>, contentType: string): Promise<string> {
  const all: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of chunks) {
      all.push(chunk);
      length += chunk.length;
      if (length > MAX_REFUSAL_BYTES) break;
    }
  } catch (error) {
    if (length === 0 && error instanceof EndpointFailure) return `(${error.message})`;
  }
  return readableText(Buffer.concat(all).subarray(0, MAX_REFUSAL_BYTES), contentType);
}

/** JSON stays as it was written, with all its digits; anything else is kept as a JSON string. */
function outputOf(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  if (Buffer.byteLength(text) > MAX_ANSWER_BYTES) throw tooLarge();
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep();
    return JSON.stringify(text);
  }
  if (nestsDeeperThan(MAX_ANSWER_LEVELS, value)) throw tooDeep();
  return text;
}

const tooDeep = () => new EndpointFailure("client", `endpoint response nests deeper than ${MAX_ANSWER_LEVELS} levels`);
