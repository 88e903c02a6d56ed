import type { Json } from "../../src/contract/json.ts";
import { MAX_LEVELS, membersOf, nestsDeeperThan, printed } from "./printed.ts";
import { InvalidReference, NoReference, readReference, type Reference } from "./references.ts";

/** A template that cannot be rendered: what is wrong with it, or what has no value. */
export class TemplateError extends Error {}

/** The value of a reference, or undefined where it has none. */
export type ValueAt = (reference: Reference) => Json | undefined;

/** How many characters references may put in: a small template can name a large value many times. */
const MAX_INSERTED = 4_194_304;

/** Replaces the references in every string, at any depth, but not in names of members. What is put in is not looked through again. */
export function render(template: Json, valueAt: ValueAt): Json {
  if (nestsDeeperThan(MAX_LEVELS, template)) throw new TemplateError(`payload nests deeper than ${MAX_LEVELS} levels`);
  return renderValue(template, bounded(valueAt));
}

/** The text form, for event keys. */
export function renderText(template: string, valueAt: ValueAt): string {
  return joined(partsOf(template), bounded(valueAt));
}

/** The strings with braces in a template, each with where it stands. */
export function stringsIn(template: Json, at: string): { text: string; at: string }[] {
  const found: { text: string; at: string }[] = [];
  collect(template, at, found);
  return found;
}

function collect(template: Json, at: string, found: { text: string; at: string }[]): void {
  if (typeof template === "string") {
    if (template.includes("{{")) found.push({ text: template, at });
  } else if (Array.isArray(template)) {
    for (const [i, item] of template.entries()) collect(item, `${at}[${i}]`, found);
  } else {
    for (const [name, member] of Object.entries(membersOf(template) ?? {}))
      collect(member, `${at}.${name.slice(0, 64)}`, found);
  }
}

const BRACES = /\{\{+/g;
const SPACES = /\s*/y;

/** The text between the references of a string, and these. Throws TemplateError. */
export function partsOf(text: string): (string | Reference)[] {
  const parts: (string | Reference)[] = [];
  let from = 0;
  for (BRACES.lastIndex = 0; ; ) {
    BRACES.lastIndex = from;
    const run = BRACES.exec(text)?.[0];
    if (run === undefined) break;
    const begin = BRACES.lastIndex;
    // Four are two that are meant literally; of what is left, the last two open a reference.
    const literal = "{{".repeat(Math.floor(run.length / 4)) + (run.length % 2 === 1 ? "{" : "");
    parts.push(text.slice(from, begin - run.length) + literal);
    from = begin;
    if (run.length % 4 < 2) continue;
    const { reference, end } = opened(text, begin);
    parts.push(reference);
    from = end;
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== "");
}

function opened(text: string, begin: number): { reference: Reference; end: number } {
  try {
    const { reference, end } = readReference(text, afterSpaces(text, begin));
    const close = afterSpaces(text, end);
    if (text.startsWith("}}", close)) return { reference, end: close + 2 };
    throw new NoReference(`{{${text.slice(begin, begin + 128).split("}}")[0]} is not a reference followed by }}`);
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error;
    const hint = error instanceof NoReference ? " (two braces that begin no reference are written as four)" : "";
    throw new TemplateError(error.message + hint);
  }
}

function afterSpaces(text: string, at: number): number {
  SPACES.lastIndex = at;
  SPACES.test(text);
  return SPACES.lastIndex;
}

function renderValue(template: Json, valueAt: ValueAt): Json {
  if (typeof template === "string") {
    const parts = partsOf(template);
    const [only] = parts;
    return parts.length === 1 && typeof only === "object" ? required(only, valueAt) : joined(parts, valueAt);
  }
  if (Array.isArray(template)) return template.map((item) => renderValue(item, valueAt));
  const members = membersOf(template);
  if (!members) return template;
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, renderValue(member, valueAt)]));
}

function joined(parts: (string | Reference)[], valueAt: ValueAt): string {
  return parts.map((part) => (typeof part === "string" ? part : text(required(part, valueAt)))).join("");
}

const text = (value: Json): string => (value === null ? "" : printed(value));

function required(reference: Reference, valueAt: ValueAt): Json {
  const value = valueAt(reference);
  if (value === undefined && !reference.optional) throw new TemplateError(`${reference.name} has no value`);
  return value ?? null;
}

function bounded(valueAt: ValueAt): ValueAt {
  let inserted = 0;
  return (reference) => {
    const value = valueAt(reference);
    if (value !== undefined) inserted += printed(value).length;
    if (inserted > MAX_INSERTED) throw new TemplateError(`references put in more than ${MAX_INSERTED} characters`);
    return value;
  };
}
