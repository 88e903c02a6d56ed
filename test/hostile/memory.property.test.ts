import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { Db } from "../../src/store/postgres/pool.ts";
import { findVersion } from "../../src/store/workflow-versions.ts";
import { mismatch } from "../../src/rules/job-schemas.ts";
import { JsonSchema } from "../../src/rules/json-schema.ts";
import { Pattern } from "../../workflows/expressions/patterns.ts";
import { given } from "../engine/given.ts";
import { approval } from "../engine/plans.ts";
import { ALWAYS_NEW } from "../expressions/always-new.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** How many MB what is made takes as long as it is held. */
async function heldBy(make: () => unknown): Promise<number> {
  collect();
  const before = process.memoryUsage().heapUsed;
  const made = await make();
  collect();
  const held = process.memoryUsage().heapUsed - before;
  expect(made).toBeDefined();
  return held / 1_000_000;
}

const PATTERN = "a[ab]{100}[cd]";

test("what a search has found out of a text is kept neither by conditions nor by schemas", async () => {
  const searched = () => {
    const pattern = new Pattern(PATTERN);
    pattern.compile()(ALWAYS_NEW);
    return pattern;
  };
  const checked = () => {
    const schema = new JsonSchema({ items: { pattern: PATTERN } });
    schema.mismatch("payload", JSON.stringify([ALWAYS_NEW, ALWAYS_NEW.repeat(15)]));
    return schema;
  };
  await heldBy(() => [searched(), checked()]);
  expect(await heldBy(() => Array.from({ length: 20 }, searched))).toBeLessThan(2);
  expect(await heldBy(() => Array.from({ length: 20 }, checked))).toBeLessThan(5);
});

const testOf = (k: number) => ({ type: "ne", left: { ref: `payload.x${k}?` }, right: k });
const LARGE = JSON.stringify(
  Array.from({ length: 900 }, (_, i) =>
    approval(`s${i}`, i > 0 ? ["s0"] : [], {
      condition: { type: "any_of", conditions: Array.from({ length: 12 }, (_, k) => testOf(k)) },
    }),
  ),
);

test("a run takes not much more room than its definition", async () => {
  const definition = () => JSON.parse(LARGE);
  await heldBy(() => given(definition()));
  const definitions = await heldBy(() => Array.from({ length: 10 }, definition));
  expect(await heldBy(() => Array.from({ length: 10 }, () => given(definition())))).toBeLessThan(2 * definitions);
});

test("the versions of workflows that are kept have a bound together, however large each is", async () => {
  const db = { query: async () => ({ rows: [{ steps: LARGE }] }) } as unknown as Db;
  const held = await heldBy(async () => {
    for (let i = 0; i < 100; i++) await findVersion(db, `version ${i}`);
    return db;
  });
  expect(held).toBeLessThan(100);
});

test("so have compiled schemas", async () => {
  const payload_schema = { pattern: "[ac]{990}", description: "x".repeat(15_000) };
  const held = await heldBy(() => {
    for (let i = 0; i < 80; i++) mismatch({ version_id: `version ${i}`, payload_schema }, "payload_schema", "{}");
    return mismatch;
  });
  expect(held).toBeLessThan(6);
});
