import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Folders of more than twenty files, each by what all of its files are: where one is looked up by its name, many do no harm. */
const OF_ONE_KIND: Record<string, string> = {
  "src/store/migrations": "a migration",
  "test/replay/histories": "a recorded run",
  "test/replay/histories/rules-1": "a recorded run",
  "test/replay/histories/rules-2": "a recorded run",
};

const PRODUCT = ["src", "workflows", "activities"];
const ALL = [...PRODUCT, "client", "bench", "test"];
const GENERATED = "client/generated";

const entries = ALL.flatMap((root) =>
  readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()),
);
const files = entries
  .map(({ parentPath, name }) => ({ folder: parentPath, path: join(parentPath, name) }))
  .filter(({ folder }) => folder !== GENERATED);
const sources = files
  .filter(({ path }) => /\.(ts|mjs|sql)$/.test(path))
  .map(({ path }) => ({ path, lines: readFileSync(path, "utf8").split("\n").length - 1 }));

test("no file is over 250 lines", () => {
  expect(sources.filter(({ lines }) => lines > 250)).toEqual([]);
});

test("half of the product's files are of 60 lines at most", () => {
  const sizes = sources.filter(({ path }) => PRODUCT.includes(path.split("/")[0] ?? "")).map(({ lines }) => lines);
  expect(sizes.sort((a, b) => a - b)[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(60);
});

test("no folder is over 20 files, unless all of them are of one kind", () => {
  const counts = new Map<string, number>();
  for (const { folder } of files) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  expect([...counts].filter(([folder, count]) => count > 20 && !(folder in OF_ONE_KIND))).toEqual([]);
});
