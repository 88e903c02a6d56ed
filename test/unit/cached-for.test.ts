import { expect, test } from "vitest";
import { cachedFor } from "../../src/time/cached-for.ts";
import { until } from "../stack/until.ts";

test("an answer is given to all who ask in its time, and asked for again after it", async () => {
  let asked = 0;
  const find = cachedFor(2_000, async (_: object, id: string) => `${id} ${++asked}`);
  expect(await Promise.all([find({}, "a"), find({}, "a"), find({}, "b")])).toEqual(["a 1", "a 1", "b 2"]);
  expect(await find({}, "a")).toBe("a 1");
  await until(async () => (await find({}, "a")) === "a 3");
});

test("an error is not kept", async () => {
  let isAway = true;
  const find = cachedFor(60_000, async () => {
    if (isAway) throw new Error("away");
    return "there";
  });
  await expect(find({}, "a")).rejects.toThrow("away");
  isAway = false;
  expect(await find({}, "a")).toBe("there");
});
