import { createHash } from "node:crypto";
import type { SpanPlace } from "../../workflows/engine/plan.ts";

export type Value = string | number | boolean;
type Attributes = Record<string, Value>;

/** A span that is over, as plain JSON. Times are epoch milliseconds. */
export interface EndedSpan extends SpanPlace {
  parent_span_id?: string;
  state?: string;
  name: string;
  kind: "internal" | "server" | "client";
  started_at: number;
  ended_at: number;
  /** With an `error.type` it failed. */
  attributes: Attributes;
  events?: { name: string; at: number; attributes: Attributes }[];
  links?: SpanPlace[];
}

const HASH_LENGTH = 16;

/** Who did something, by OpenTelemetry's names. One who is named by a mail address is told by a hash of it. */
export function userOf(actor: string | undefined): Attributes {
  if (!actor) return {};
  if (!actor.includes("@")) return { "user.id": actor };
  return { "user.hash": createHash("sha256").update(actor).digest("hex").slice(0, HASH_LENGTH) };
}

/** Whose URL it is. Path and query may hold secrets. */
export function serverOf(url: string): Attributes {
  if (!URL.canParse(url)) return {};
  const { hostname, port, protocol } = new URL(url);
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  return { "server.address": address, "server.port": Number(port) || (protocol === "https:" ? 443 : 80) };
}

/** Without those that have no value. */
export const attributesOf = (given: Record<string, Value | undefined>): Attributes =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Attributes;
