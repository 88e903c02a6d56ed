import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const docs = readdirSync(new URL("docs", root)).filter((name) => name.endsWith(".md"));
const pages = ["README.md", "CONTRIBUTING.md", ...docs.map((name) => `docs/${name}`)];

test.each(pages)("%s names files that are there", (name) => {
  const page = readFileSync(new URL(name, root), "utf8");
  const files = [...page.matchAll(/`((?:workflows|activities|src|test|bench)\/[\w./-]+\.ts)`/g)].map(
    ([, file]) => file ?? "",
  );
  expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([]);
});
