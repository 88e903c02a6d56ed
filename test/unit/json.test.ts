import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { JsonText, parseJson, stringifyJson } from "../../src/contract/json.ts";
import { timesAsLong } from "../stack/cost.ts";

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
    '{"price":0.12345678901234567890,"neg":-1234567890123.45678901234567890}',
    "[1e400,-1e400,1e-400,1.7976931348623157e308999]",
    "[12345678901234567890.5,0.30000000000000000001,1234567890123456789e-3,1E+30000]",
    `{"long":${"7".repeat(5000)}}`,
  ])("%s", (text) => {
    expect(stringifyJson(parseJson(text))).toBe(text);
  });
});

test("numbers that fit stay numbers, however they are written", () => {
  expect(parseJson('{"a":1,"b":9007199254740991,"c":0.12345678901234568,"d":1e3,"e":1.50000000000000000000}')).toEqual({
    a: 1,
    b: 9007199254740991,
    c: 0.12345678901234568,
    d: 1000,
    e: 1.5,
  });
});

test("no number of a document changes its value on its way, whatever its digits", () => {
  const digits = (min: number) => fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: min, maxLength: 30 });
  const number = fc
    .tuple(fc.boolean(), digits(1), digits(0), fc.option(fc.integer({ min: -400, max: 400 }), { nil: undefined }))
    .map(([minus, whole, fraction, exponent]) => {
      const text = `${whole.replace(/^0+(?=\d)/, "")}${fraction && `.${fraction}`}`;
      return `${minus ? "-" : ""}${text}${exponent === undefined ? "" : `e${exponent}`}`;
    });
  /** Its value times 10^500. */
  const scaled = (text: string) => {
    const [, minus, whole = "", fraction = "", exponent = "0"] =
      /^(-?)(\d+)(?:\.(\d+))?(?:[eE]\+?(-?\d+))?$/.exec(text) ?? [];
    const value = BigInt(whole + fraction + "0".repeat(500 + Number(exponent) - fraction.length));
    return minus ? -value : value;
  };
  fc.assert(
    fc.property(number, (text) => {
      const [passed = ""] = /[^[\]]+/.exec(stringifyJson(parseJson(`[${text}]`))) ?? [];
      return scaled(passed) === scaled(text);
    }),
    { numRuns: 2000 },
  );
});

test("a document of numbers with many digits is read in a time that grows with its length alone", async () => {
  for (const hostile of ["0".repeat(500_000), "9".repeat(500_000)]) {
    const text = `[1${hostile}1,0.${hostile}1]`;
    const passed = () => stringifyJson(parseJson(text));
    expect(passed()).toBe(text);
    const plain = `[${"1,".repeat(text.length / 2)}1]`;
    expect(await timesAsLong(passed, () => stringifyJson(parseJson(plain)))).toBeLessThan(20);
  }
});

test("a name that comes twice has its last value, also beside a number of many digits", () => {
  expect(stringifyJson(parseJson('{"a":1,"a":2,"n":0.12345678901234567890}'))).toBe(
    '{"a":2,"n":0.12345678901234567890}',
  );
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
