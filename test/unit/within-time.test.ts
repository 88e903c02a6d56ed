import { expect, test } from "vitest";
import { withinTime } from "../../src/rules/within-time.ts";

const wait = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const forever = () => {
  for (;;);
};

test("what takes its time is cut off", () => {
  expect(withinTime(20, forever, () => "too long")).toBe("too long");
});

test("what had no processor for that time is run anew", () => {
  let runs = 0;
  const act = () => {
    runs++;
    if (runs < 3) wait(2_000);
    return "done";
  };
  expect(withinTime(200, act, () => "too long")).toBe("done");
  expect(runs).toBeGreaterThan(1);
});
