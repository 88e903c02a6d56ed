import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { JsonText, parseJson, stringifyJson } from "../../src/contract/json.ts";

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

test("any value is written as JSON.stringify writes it", () => {
  const numbers = fc.oneof(fc.double(), fc.integer());
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      ...[fc.string({ unit: "binary" }), numbers, fc.constantFrom(null, true, false, undefined, "\ud800", '\u2028"\\')],
      ...[fc.array(tie("value")), fc.dictionary(fc.string({ unit: "binary" }), tie("value"))],
    ),
  }));
  fc.assert(fc.property(value, (one) => stringifyJson(one) === (JSON.stringify(one) ?? "null")));
});

test("JSON text goes out as it is, wherever it stands", () => {
  const text = new JsonText('{"id": 12345678901234567890}');
  expect(stringifyJson({ a: [text], b: text })).toBe(`{"a":[${text.text}],"b":${text.text}}`);
});
