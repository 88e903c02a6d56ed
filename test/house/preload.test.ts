import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { INTERCEPTORS, PRELOADED } from "../../src/runtime/packing.ts";

const sources = new Map(
  readdirSync("workflows", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join("workflows", file))
    .map((path) => [path, readFileSync(path, "utf8")]),
);

/** The modules that are loaded with it. */
function loadedBy(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  const imports = (sources.get(path) ?? "").matchAll(/^(?:import|export) (?!type )(?:[^;]*? from )?"(\.[^"]+)";$/gm);
  for (const [, to = ""] of imports) loadedBy(join(dirname(path), to), found);
  return found;
}

/** Runs that shared such a module would see each other's values. */
const hasState = (path: string) => /^(export )?let /m.test(sources.get(path) ?? "");

const shared = loadedBy(join("workflows", PRELOADED));
const ofRuns = new Set(["index.ts", ...INTERCEPTORS].flatMap((file) => [...loadedBy(join("workflows", file))]));

test("what runs share has no state", () => {
  expect([...shared].filter(hasState)).toEqual([]);
});

test("what a run loads anew has state, or imports what has", () => {
  const anew = [...ofRuns].filter((path) => !shared.has(path));
  expect(anew.filter((path) => ![...loadedBy(path)].some(hasState))).toEqual([]);
});
