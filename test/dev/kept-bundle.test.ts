import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

/** A checkout of its own, with the packages of this one. */
const checkout = mkdtempSync(join(tmpdir(), "workflow-runs-checkout-"));
const cache = join(checkout, "node_modules/.cache/workflow-runs");

beforeAll(() => {
  for (const part of ["src", "workflows", "package.json", "tsconfig.json"])
    cpSync(part, join(checkout, part), { recursive: true });
  mkdirSync(join(checkout, "node_modules"));
  for (const name of readdirSync("node_modules").filter((name) => ![".cache", ".package-lock.json"].includes(name)))
    symlinkSync(join(process.cwd(), "node_modules", name), join(checkout, "node_modules", name));
  cpSync("node_modules/.package-lock.json", join(checkout, "node_modules/.package-lock.json"));
});
afterAll(() => rmSync(checkout, { recursive: true }));

/** What `npm run bundle` leaves behind: the one bundle that is kept. */
function bundle() {
  execFileSync(process.execPath, ["src/boot.mjs", "src/cli/bundle.ts"], { cwd: checkout, stdio: "pipe" });
  const [name = "", ...others] = readdirSync(cache);
  expect(others).toEqual([]);
  return { name, code: readFileSync(join(cache, name), "utf8") };
}

/** The files that a bundle is made of, those of packages apart. */
function sourcesOf(code: string): string[] {
  const [, map = ""] = /sourceMappingURL=data:application\/json;charset=utf-8;base64,(\S+)/.exec(code) ?? [];
  const { sources } = JSON.parse(Buffer.from(map, "base64").toString()) as { sources: string[] };
  const own = sources.filter((source) => source.startsWith(checkout) && !source.includes("/node_modules/"));
  return own.map((source) => relative(checkout, source));
}

test("a bundle is kept until a source of it or a package is another", () => {
  const first = bundle();
  const sources = sourcesOf(first.code);
  expect(sources).toContain("workflows/index.ts");
  // A source anywhere else would have to be looked at too.
  expect(sources.filter((source) => !source.startsWith("workflows/"))).toEqual([]);

  appendFileSync(join(cache, first.name), "// kept");
  expect(bundle()).toEqual({ name: first.name, code: `${first.code}// kept` });

  appendFileSync(join(checkout, "workflows/run/clock.ts"), 'export const ANOTHER = "of another source";\n');
  const second = bundle();
  expect(second.name).not.toBe(first.name);
  expect(second.code).toContain("of another source");

  appendFileSync(join(checkout, "node_modules/.package-lock.json"), "\n");
  expect(bundle().name).not.toBe(second.name);
});
