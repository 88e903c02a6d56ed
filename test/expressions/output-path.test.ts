import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/contract/json.ts";
import { applyOutputPath, outputPathProblem } from "../../workflows/expressions/output-path.ts";

const output = parseJson(`{
  "name": {"first": "Tom", "id": 12345678901234567890},
  "fav.movie": "Deer Hunter",
  "#": "hash",
  "none": null,
  "friends": [{"first": "Dale", "nets": ["ig", "fb"]}, {"last": "Craig"}, {"first": "Jane", "nets": ["tw"]}]
}`);

describe("an output path", () => {
  test.each([
    ["name.first", "Tom"],
    ["name.id", 12345678901234567890n],
    ["fav\\.movie", "Deer Hunter"],
    ["\\#", "hash"],
    ["none", null],
    ["friends.0.first", "Dale"],
    ["friends.#", 3],
    ["friends.#.first", ["Dale", "Jane"]],
    ["friends.#.nets.#", [2, 1]],
    ["friends.#.nets.0", ["ig", "tw"]],
    ["friends.#.nobody", []],
  ])("%s leads to its value", (path, value) => {
    expect(outputPathProblem(path)).toBeUndefined();
    expect(applyOutputPath(path, output)).toEqual(value);
  });

  test.each([
    "nobody",
    "name.first.x",
    "friends.9",
    "friends.first",
    "name.#",
    "constructor",
    "__proto__",
    "friends.length",
    "name.0",
  ])("%s leads nowhere", (path) => {
    expect(applyOutputPath(path, output)).toBeUndefined();
  });

  test("of a text output leads nowhere", () => {
    expect(applyOutputPath("a.0", "text")).toBeUndefined();
    expect(applyOutputPath("length", "text")).toBeUndefined();
  });

  test.each([
    "",
    ".",
    "a..b",
    "a.",
    ".a",
    "a\\",
    "fri*",
    "n?me",
    'friends.#(first=="Dale")',
    "a|b",
    "@reverse",
    "{a,b}",
    "[a]",
    "!1",
    "a#",
  ])("%s is refused", (path) => {
    expect(outputPathProblem(path)).toMatch(/^(must|may) /);
  });

  test("is refused when it is too long or has too many parts", () => {
    expect(outputPathProblem("a".repeat(2000))).toBe("must be at most 1024 characters");
    expect(outputPathProblem(Array(65).fill("a").join("."))).toBe("must have at most 64 parts");
  });
});
