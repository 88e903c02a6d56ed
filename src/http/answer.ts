import type { Response } from "express";
import type { z } from "zod";
import { type Cursor, encodeCursor } from "../contract/cursor.ts";
import { acceptedCommand } from "../contract/answers/commands.ts";
import type { Accepted } from "../commands/accepted.ts";
import { stringifyJson } from "../contract/json.ts";
import { encodePlace, MAX_LIMIT } from "../contract/lists.ts";
import { takeRoom } from "./requests/room.ts";
import type { ListPart } from "../queries/list-part.ts";
import type { Page } from "../queries/page.ts";

export interface ListAsked {
  url: string;
  isEnveloped: boolean;
  query: { envelope: boolean };
}

/** A list's answer (docs/api.md, Reading): a bare array with headers, or an envelope when asked for. */
export function pageAnswer<Item>({ items, next }: Page<Item, Cursor | number>, asked: ListAsked) {
  const { headers, body } = envelopeAnswer({ items, next }, asked.url);
  return { headers, body: asked.isEnveloped || asked.query.envelope ? body : items };
}

/** The answer of a list that is always in an envelope. */
export function envelopeAnswer<Item>({ items, next }: Page<Item, Cursor | number>, url: string) {
  const cursor = next === undefined ? undefined : typeof next === "number" ? encodePlace(next) : encodeCursor(next);
  const headers = {
    "X-Has-More": String(cursor !== undefined),
    ...(cursor !== undefined && { "X-Next-Cursor": cursor, Link: `<${withCursor(url, cursor)}>; rel="next"` }),
  };
  return { headers, body: { data: items, has_more: cursor !== undefined, next_cursor: cursor } };
}

/** A part of a list whose items carry outputs. Where one answer has no room for all of them, it says from where they can be read. */
export function partAnswer<Item>({ leftOut, ...part }: ListPart<Item>, asked: ListAsked) {
  const { headers, body } = pageAnswer(part, asked);
  if (!leftOut) return { headers, body };
  const rest = withCursor(asked.url, encodePlace(leftOut.from), MAX_LIMIT);
  return { body, headers: { ...headers, "X-Left-Out": `output; count=${leftOut.count}; read="${rest}"` } };
}

/** What was made, and where to find it. */
export const created = <Made extends { id: string }>(path: string, made: Made) => ({
  headers: { Location: `${path}/${made.id}` },
  body: made,
});

/** A relative link, which is right behind any proxy. */
function withCursor(url: string, cursor: string, limit?: number): string {
  const next = new URL(url, "http://localhost");
  if (limit !== undefined) next.searchParams.set("limit", String(limit));
  next.searchParams.set("cursor", cursor);
  return next.pathname + next.search;
}

/** What a route returns that gives a command: what the command answers if it takes effect at once, or a 202. */
export const commanded = <Done extends z.ZodType>(done: Done) => ({ 200: done, 202: acceptedCommand });

/**
 * A command that no worker has taken yet is stored and takes effect once. It is answered with 202, its id, and the place to ask for
 * its outcome. Any other result is shown.
 */
export function answerTo<Result extends object, Shown = Exclude<Result, Accepted>>(
  result: Result,
  show: (done: Exclude<Result, Accepted>) => Shown = (done) => done as unknown as Shown,
  targets = "workflow-runs",
) {
  if (isAccepted(result)) {
    const Location = `/v1/${targets}/${result.of}/commands/${encodeURIComponent(result.accepted)}`;
    const body = { command_id: result.accepted, status: "accepted" as const };
    return { status: 202 as const, headers: { Location }, body };
  }
  return { body: show(result as Exclude<Result, Accepted>) };
}

const isAccepted = (result: object): result is Accepted => "accepted" in result;

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** Headers of every answer. No browser is to render, frame, sniff or embed it. */
export const ALWAYS = {
  "X-API-Version": "v1",
  "Content-Security-Policy": "default-src 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Origin-Agent-Cluster": "?1",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "X-DNS-Prefetch-Control": "off",
  "X-Download-Options": "noopen",
  "X-Frame-Options": "DENY",
  "X-Permitted-Cross-Domain-Policies": "none",
  "X-XSS-Protection": "0",
  "Content-Type": "application/json; charset=utf-8",
};

/** The status, headers and text that are sent. */
export function written({ status = 200, headers, body }: Answer, requestId: string) {
  const text = body === undefined ? "" : stringifyJson(body);
  // A 204 has neither a body nor the length of one.
  const length = status === 204 ? undefined : { "Content-Length": String(Buffer.byteLength(text)) };
  return { status, headers: { "X-Request-Id": requestId, ...ALWAYS, ...headers, ...length }, text };
}

/** Sends every answer. Node's writeHead takes all headers at once: to set them one by one is a tenth of a short request's time. */
export function send(response: Response, answer: Answer): void {
  response.locals.check?.(answer);
  const { status, headers, text } = written(answer, response.locals.requestId);
  // Until the client has read it, it is held.
  takeRoom(response.req, response, text.length, response.req.method !== "GET");
  const isAscii = headers["Content-Length"] === String(text.length);
  // A page of a list is then written in three quarters of the time.
  response.writeHead(status, headers).end(text, isAscii ? "latin1" : "utf8");
}
