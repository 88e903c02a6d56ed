import { describe, expect, test } from "vitest";
import { parseJson, stringifyJson } from "../../src/contract/json.ts";

describe("JSON text goes through unchanged", () => {
  test.each([
    "null",
    '"text"',
    "[1,2.5,-3,true]",
    '{"id":12345678901234567890,"neg":-9007199254740993}',
    '{"__proto__":{"a":1},"constructor":2}',
    '{"nested":[{"id":99999999999999999999}]}',
    '"12345678901234567890"',
    '{"b":1,"a":2}',
  ])("%s", (text) => {
    expect(stringifyJson(parseJson(text))).toBe(text);
  });
});

test("numbers that fit stay numbers", () => {
  expect(parseJson('{"a":1,"b":9007199254740991,"c":0.1234567890123456789,"d":1e3}')).toEqual({
    a: 1,
    b: 9007199254740991,
    c: 0.12345678901234568,
    d: 1000,
  });
});

test("what is not JSON is a SyntaxError", () => {
  for (const text of ["", "{", "1 2", "{'a':1}", "01", "12345678901234567890x"])
    expect(() => parseJson(text)).toThrow(SyntaxError);
});

test("members that are undefined are left out", () => {
  expect(stringifyJson({ a: undefined, b: 1 })).toBe('{"b":1}');
});
