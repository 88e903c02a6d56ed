import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { readInTurn } from "../../src/http/large-bodies.ts";
import type { Caller } from "../../src/identity/caller.ts";

const caller = (actor: string): Caller => ({ actor, projects: ["p"], scopes: ["*"] });
const LARGE = 100_000;

/** Holds the process, as reading a hostile document does, and is refused. */
function refuse(): never {
  for (const end = performance.now() + 10; performance.now() < end; );
  throw new Error("refused");
}

it("a caller's large bodies leave the process to the others for most of the time, however many are sent at once", async () => {
  let isOver = false;
  let read = 0;
  const sender = async () => {
    while (!isOver) {
      await expect(readInTurn(caller("stranger"), LARGE, refuse)).rejects.toThrow("refused");
      read++;
    }
  };
  const began = performance.now();
  const senders = Array.from({ length: 4 }, sender);
  let turns = 0;
  while (read < 10) {
    await setImmediate();
    turns++;
  }
  isOver = true;
  // Ten readings of 10 ms, and nine rests of 40 between them.
  expect(performance.now() - began).toBeGreaterThan(400);
  expect(turns).toBeGreaterThan(100);
  await Promise.all(senders);
});

it("others' large bodies, and small ones of the same caller, are read at once", async () => {
  await expect(readInTurn(caller("stranger"), LARGE, refuse)).rejects.toThrow("refused");
  const order: string[] = [];
  const next = readInTurn(caller("stranger"), LARGE, () => order.push("next of the same"));
  await Promise.all([
    readInTurn(caller("other"), LARGE, () => order.push("other's")),
    readInTurn(caller("stranger"), 100, () => order.push("small")),
  ]);
  expect(order.toSorted()).toEqual(["other's", "small"]);
  await next;
  expect(order).toHaveLength(3);
});

it("what was read is given back, and its order kept", async () => {
  const read = [1, 2, 3].map((n) => readInTurn(caller("one"), LARGE, () => n));
  expect(await Promise.all(read)).toEqual([1, 2, 3]);
});
