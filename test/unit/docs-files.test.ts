import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

test.each(["quick-lane", "sdk-internals"])("docs/%s.md names files that are there", (name) => {
  const page = readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");
  const files = [...page.matchAll(/`((?:workflows|activities|src|test)\/[\w./-]+\.ts)`/g)].map(
    ([, file]) => file ?? "",
  );
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => !existsSync(new URL(`../../${file}`, import.meta.url)))).toEqual([]);
});
