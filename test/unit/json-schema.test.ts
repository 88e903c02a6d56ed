import { describe, expect, test } from "vitest";
import type { Json } from "../../src/contract/json.ts";
import { timesAsLong } from "../stack/cost.ts";
import { JsonSchema } from "../../src/rules/json-schema.ts";

const mismatch = (schema: Json, document: unknown) =>
  new JsonSchema(schema).mismatch("payload", JSON.stringify(document));
const ORDER = {
  $schema: "http://json-schema.org/draft-07/schema#",
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "integer" },
    lines: {
      type: "array",
      items: { type: "object", properties: { sku: { type: "string", pattern: "^[A-Z]+-\\d+$" } } },
    },
    "odd name": { enum: [1, 2] },
  },
  additionalProperties: false,
};

const LATE = { $async: true, type: "string" };

describe("a schema", () => {
  test.each<[unknown, string | undefined]>([
    [{ id: 1, lines: [{ sku: "AB-1" }] }, undefined],
    [{ id: 1e19 }, undefined],
    [[], "payload must be object"],
    [{}, "payload must have required property 'id'"],
    [{ id: "1" }, "payload.id must be integer"],
    [{ id: 1, lines: [{ sku: "AB-1" }, { sku: "no" }] }, 'payload.lines[1].sku must match pattern "^[A-Z]+-\\d+$"'],
    [{ id: 1, "odd name": 3 }, 'payload["odd name"] must be equal to one of the allowed values: 1, 2'],
    [{ id: 1, more: 2 }, 'payload must NOT have additional properties: "more"'],
  ])("says of %j: %s", (document, problem) => {
    expect(mismatch(ORDER, document)).toBe(problem);
  });

  test.each<[number, number, boolean]>([
    ...[19.99, 0.07, 1_234_567.89, 0, -4.35].map((n): [number, number, boolean] => [n, 0.01, true]),
    [1e21, 1, true],
    [0.3, 0.1, true],
    ...[19.995, 0.001].map((n): [number, number, boolean] => [n, 0.01, false]),
    [7, 2, false],
  ])("says whether %d is a multiple of %d as people do: %s", (n, multipleOf, isOne) => {
    expect(mismatch({ multipleOf }, n)).toBe(isOne ? undefined : `payload must be multiple of ${multipleOf}`);
  });

  test("tells the one value that there may be", () => {
    expect(mismatch({ properties: { kind: { const: { is: "order" } } } }, { kind: "bill" })).toBe(
      'payload.kind must be equal to constant: {"is":"order"}',
    );
  });

  test("tells that none of several ways fits, and where", () => {
    const schema = { properties: { a: { anyOf: [{ type: "string" }, { type: "number" }] } } };
    expect(mismatch(schema, { a: true })).toBe("payload.a must match a schema in anyOf");
  });

  test("may refer to itself, by what it defines and as a tree", () => {
    const tree = {
      $defs: { name: { type: "string" } },
      properties: { name: { $ref: "#/$defs/name" }, of: { items: { $ref: "#" } } },
    };
    expect(mismatch(tree, { of: [{ of: [{ name: "x" }] }] })).toBeUndefined();
    expect(mismatch(tree, { of: [{ of: [{ name: 1 }] }] })).toBe("payload.of[0].of[0].name must be string");
  });

  test("takes no notice of formats, nor of words that it does not know", () => {
    expect(mismatch({ format: "email", "x-shown-as": 1, example: {} }, "nobody")).toBeUndefined();
    expect([mismatch(true, 1), mismatch({}, 1), mismatch(false, 1)]).toEqual([
      undefined,
      undefined,
      "payload boolean schema is false",
    ]);
  });

  // A validator by which Ajv answers with a promise lets everything through, and its rejection, which nobody awaits, ends the process.
  test("is checked at once, whatever it says of that", () => {
    expect(mismatch({ $async: true, ...ORDER }, {})).toBe("payload must have required property 'id'");
    expect(mismatch({ properties: { $async: { type: "string" } } }, { $async: 1 })).toBe(
      'payload["$async"] must be string',
    );
    const further: Json[] = [{ properties: { a: LATE } }, { $defs: { a: LATE }, $ref: "#/$defs/a" }];
    for (const nested of further) expect(() => new JsonSchema(nested)).toThrow("async schema");
  });

  test("knows no other one by its id", () => {
    const named = { $id: "https://example.com/shared", type: "string" };
    for (let times = 0; times < 2; times++) expect(mismatch(named, "x")).toBeUndefined();
    expect(() => new JsonSchema({ $ref: "https://example.com/shared" })).toThrow("can't resolve reference");
  });
});

describe("uniqueItems", () => {
  test.each<[unknown[], string | undefined]>([
    [[[1], [2], { a: 1, b: [] }, "1", 1, true, null, "null"], undefined],
    [[[1], [2], [1]], "payload must NOT have duplicate items (items ## 0 and 2 are identical)"],
    [
      [
        { a: 1, b: { c: 2, d: 3 } },
        { b: { d: 3, c: 2 }, a: 1 },
      ],
      "payload must NOT have duplicate items (items ## 0 and 1 are identical)",
    ],
    [[0, -0], "payload must NOT have duplicate items (items ## 0 and 1 are identical)"],
  ])("says of %j: %s", (document, problem) => {
    expect(mismatch({ uniqueItems: true }, document)).toBe(problem);
    expect(mismatch({ uniqueItems: false }, document)).toBeUndefined();
  });

  test("of eight thousand lists takes no longer than other words do", async () => {
    const lists = Array.from({ length: 8_000 }, (_, i) => [i]);
    const asked = (schema: Json) => () => expect(mismatch(schema, lists)).toBeUndefined();
    const twin = asked({ items: { items: { type: "integer", pattern: "x" } } });
    expect(await timesAsLong(asked({ uniqueItems: true }), twin)).toBeLessThan(20);
  });
});

test("what an object has by being one is not taken for what was sent", () => {
  expect(mismatch({ required: ["constructor"] }, {})).toBe("payload must have required property 'constructor'");
});

const inside = (levels: number): Json => (levels === 0 ? {} : { not: inside(levels - 1) });

test.each<[string, Json, RegExp]>([
  ["is none", 7, /^must be object,boolean$/],
  [
    "has a word in the wrong place",
    { properties: { a: { type: "text" } } },
    /^properties\.a\.type must be .* "array", "boolean"/,
  ],
  ["refers to the network", { $ref: "https://example.com/schema.json" }, /^can't resolve reference/],
  ["refers to a file", { properties: { a: { $ref: "file:///etc/passwd" } } }, /^can't resolve reference/],
  ["refers to nothing", { $ref: "#/$defs/none" }, /^can't resolve reference/],
  ["is very long", { description: "x".repeat(40_000) }, /^has 4\d{4} characters, where 16384 may be$/],
  ["says very much", { allOf: Array.from({ length: 500 }, () => ({})) }, /^has 501 objects, where 500 may be$/],
  ["is very deep", inside(65), /^nests deeper than 64 levels$/],
  ["looks back in a pattern", { pattern: "(a)\\1" }, /^a pattern is not valid/],
  ["has a pattern that is too long", { pattern: "x".repeat(1_001) }, /^a pattern has more than 1000 characters$/],
  ["has a pattern that unfolds", { pattern: "((((x{100}){100}){100}){100})" }, /^the patterns are together too large$/],
  [
    "has patterns that do so together",
    { patternProperties: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`^x{100}${i}`, {}])) },
    /^the patterns are together too large$/,
  ],
])("a schema that %s is refused", (_, schema, message) => {
  expect(() => new JsonSchema(schema)).toThrow(message);
});

const many = <T>(count: number, one: (i: number) => T) => Array.from({ length: count }, (_, i) => one(i));
/** As much of each as may be. */
const full: Record<string, Json> = {
  properties: { properties: Object.fromEntries(many(490, (i) => [`p${i}`, { type: "string" }])) },
  "ways, one of which fits": { oneOf: many(490, (i) => ({ const: i })) },
  "references that are looked for": { $dynamicAnchor: "n", allOf: many(245, () => ({ $dynamicRef: "#n" })) },
  "items that may not be": { prefixItems: many(1_400, () => false) },
  "lists without equals": { allOf: many(370, () => ({ uniqueItems: true })) },
};

test.each(Object.entries(full))("a schema of as many %s as may be is compiled in a moment", async (_, schema) => {
  const text = JSON.stringify(many(400_000, () => "a"));
  const twin = () => JSON.stringify(JSON.parse(text));
  expect(await timesAsLong(() => new JsonSchema(schema), twin, 2)).toBeLessThan(5);
});

test.each<[string, Json]>([
  ["references that are looked for", { $dynamicAnchor: "n", allOf: many(300, () => ({ $dynamicRef: "#n" })) }],
  ["items that may not be", { prefixItems: many(1_600, () => false) }],
])("a schema of more %s is refused", (_, schema) => {
  expect(() => new JsonSchema(schema)).toThrow("objects, where 500 may be");
});

/** Well under what a request may take, and little more than the limit of one check. */
const SOON_MS = 5_000;

const chain = (depth: number, of: (next: Json) => Json): Json => ({
  $defs: Object.fromEntries(
    Array.from({ length: depth }, (_, i) => [
      `d${i}`,
      i + 1 < depth ? of({ $ref: `#/$defs/d${i + 1}` }) : { type: "null" },
    ]),
  ),
  $ref: "#/$defs/d0",
});
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

test.each<[string, Json, unknown, RegExp]>([
  ["refers to itself at once", { $ref: "#" }, 1, /can't be checked: the schema goes too deep$/],
  [
    "refers to itself in a circle",
    { $defs: { a: { allOf: [{ $ref: "#/$defs/b" }] }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" },
    1,
    /goes too deep$/,
  ],
  ["doubles at each step", chain(40, (next) => ({ anyOf: [next, next] })), 1, /takes too long to be checked$/],
  [
    "doubles at each level of the document",
    {
      anyOf: [
        { type: "null" },
        { allOf: [{ properties: { a: { $ref: "#" } } }, { required: ["b"] }] },
        { allOf: [{ properties: { a: { $ref: "#" } } }, { required: ["c"] }] },
      ],
    },
    nested(60),
    /takes too long to be checked$/,
  ],
  ["backtracks, elsewhere", { pattern: "^(a+)+$" }, `${"a".repeat(100_000)}b`, /must match pattern/],
])("a schema that %s does not hold the process", (_, schema, document, message) => {
  const since = performance.now();
  expect(mismatch(schema, document)).toMatch(message);
  expect(performance.now() - since).toBeLessThan(SOON_MS);
});
