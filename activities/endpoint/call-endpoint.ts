import { request } from "undici";
import type { Endpoints } from "./endpoint-agent.ts";
import { answerFailure, connectionFailure, EndpointFailure } from "./endpoint-failure.ts";
import { type Json, parseJson } from "../../src/contract/json.ts";
import { nestsDeeperThan } from "../../workflows/expressions/printed.ts";

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
}

/**
 * One POST. Resolves with the answer as JSON text, undefined if it is empty. Throws EndpointFailure, or the reason of
 * `canceled`.
 */
export async function callEndpoint(endpoints: Endpoints, call: EndpointCall): Promise<string | undefined> {
  call.canceled.throwIfAborted();
  const stop = new AbortController();
  const cancel = () => stop.abort(call.canceled.reason);
  call.canceled.addEventListener("abort", cancel, { once: true });
  const expire = () => stop.abort(new EndpointFailure("timeout", "execution timed out"));
  const timer = setTimeout(expire, Math.min(call.timeoutSecs * 1000, MAX_TIMER_MS));
  try {
    return await post(endpoints, call, stop.signal);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : connectionFailure(error);
  } finally {
    clearTimeout(timer);
    call.canceled.removeEventListener("abort", cancel);
  }
}

async function post(endpoints: Endpoints, call: EndpointCall, signal: AbortSignal): Promise<string | undefined> {
  endpoints.assertAllowed(call.url);
  const { headers, body } = call;
  // undici's request follows no redirect by itself.
  const answer = await request(call.url, { method: "POST", dispatcher: endpoints.agent, headers, body, signal });
  if (answer.statusCode < 200 || answer.statusCode > 299) {
    const { bytes } = await readUpTo(MAX_REFUSAL_BYTES, answer.body);
    throw answerFailure(answer.statusCode, new TextDecoder().decode(bytes));
  }
  const { bytes, more } = await readUpTo(MAX_ANSWER_BYTES, answer.body);
  if (more) throw new EndpointFailure("client", "endpoint response is larger than 1 MiB");
  return outputOf(new TextDecoder().decode(bytes));
}

async function readUpTo(limit: number, body: AsyncIterable<Buffer>): Promise<{ bytes: Buffer; more: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    // Leaving the loop closes the connection; the rest is never read.
    if (length > limit) return { bytes: Buffer.concat(chunks).subarray(0, limit), more: true };
  }
  return { bytes: Buffer.concat(chunks), more: false };
}

/** JSON stays as it was written, with all its digits; anything else is kept as a JSON string. */
function outputOf(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  let value: Json;
  try {
    value = parseJson(text);
  } catch {
    return JSON.stringify(text);
  }
  if (nestsDeeperThan(MAX_ANSWER_LEVELS, value)) {
    throw new EndpointFailure("client", `endpoint response nests deeper than ${MAX_ANSWER_LEVELS} levels`);
  }
  return text;
}
