import type { Json } from "../../src/contract/json.ts";
import { MAX_LEVELS, membersOf, nestsDeeperThan, printed } from "./printed.ts";
import { TemplateError } from "./templates.ts";

/**
 * How templates were rendered before there was one reference language, for runs that began then: what resolves to nothing
 * stays as it is. These placeholders read the trigger payload, and the outputs of direct dependencies by step_ref.
 */
export interface TemplateScope {
  payload: Json | undefined;
  parent_outputs: { [step_ref: string]: Json };
}

// The first word names a member of the trigger payload or a root; later ones may hold "-", as step_refs do.
// A step_ref with a "." or beyond ASCII cannot be named here; its output is in parent_outputs of the payload anyway.
const PLACEHOLDER = /\{\{([A-Za-z_]\w*(?:\.[\w-]+)*)\}\}/g;
const ONLY_PLACEHOLDER = new RegExp(`^${PLACEHOLDER.source}$`);

/** How many characters placeholders may put in: a small template can name a large value many times. */
const MAX_INSERTED = 4_194_304;

/** Replaces placeholders in every string, at any depth. What is put in is not looked through again. */
export function render(value: Json, scope: TemplateScope): Json {
  if (nestsDeeperThan(MAX_LEVELS, value)) throw new TemplateError(`payload nests deeper than ${MAX_LEVELS} levels`);
  return renderValue(value, insertions(scope));
}

/** The string form, for event keys. */
export function renderText(text: string, scope: TemplateScope): string {
  return renderEmbedded(text, insertions(scope));
}

type Insert = (path: string) => Json | undefined;

function renderValue(value: Json, insert: Insert): Json {
  if (typeof value === "string") {
    const [, path] = ONLY_PLACEHOLDER.exec(value) ?? [];
    if (path === undefined) return renderEmbedded(value, insert);
    const found = insert(path);
    return found === undefined ? value : found;
  }
  if (Array.isArray(value)) return value.map((item) => renderValue(item, insert));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, renderValue(member, insert)]));
}

function renderEmbedded(text: string, insert: Insert): string {
  return text.replaceAll(PLACEHOLDER, (placeholder, path: string) => {
    const value = insert(path);
    if (value === undefined) return placeholder;
    return value === null ? "" : printed(value);
  });
}

function insertions(scope: TemplateScope): Insert {
  let inserted = 0;
  return (path) => {
    const value = resolve(path.split("."), scope);
    if (value !== undefined) inserted += printed(value).length;
    if (inserted > MAX_INSERTED) throw new TemplateError(`placeholders put in more than ${MAX_INSERTED} characters`);
    return value;
  };
}

// A member of the trigger payload that is called like a root hides the root only where the whole path resolves in it.
function resolve(path: string[], scope: TemplateScope): Json | undefined {
  const bare = follow(path, scope.payload);
  if (bare !== undefined) return bare;
  const [root, ...rest] = path;
  if (root === "payload") return follow(rest, scope.payload);
  if (root === "parent_outputs") return follow(rest, scope.parent_outputs);
  return undefined;
}

function follow(path: string[], from: Json | undefined): Json | undefined {
  let value = from;
  for (const word of path) {
    const members = membersOf(value);
    if (!members || !Object.hasOwn(members, word)) return undefined;
    value = members[word];
  }
  return value;
}
