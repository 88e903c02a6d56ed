import { expect, test } from "vitest";
import { playedOf } from "../../workflows/run/recorded-play.ts";

test.each([
  ["in the making", { queue: "own", slow: false }, { kind: "here", queue: "own" }],
  ["in the making, of a slow job", { queue: "own", slow: true }, { kind: "slow-here", queue: "own" }],
  [
    "not made, of a slow job",
    { queue: "own", slow: true, anywhere: true as const },
    { kind: "slow-elsewhere", queue: "own" },
  ],
  ["not made", {}, { kind: "anywhere" }],
  ["made by a process that had no queue", { queue: null, slow: true }, { kind: "anywhere" }],
  ["for later", { later: true as const }, { kind: "deferred" }],
])("an attempt that older histories hold as %s goes on as it did", (_, recorded, unended) => {
  const played = playedOf({ events: [], going: [{ step: 3, ...recorded }] });
  expect(played).toEqual({ events: [], unended: [{ step: 3, ...unended }] });
});

test("a command that waited is there in both forms", () => {
  expect(playedOf({ events: [], called: [], going: [] }).interrupted).toEqual([]);
  expect(playedOf({ events: [], interrupted: [], unended: [] }).interrupted).toEqual([]);
  expect(playedOf({ events: [], unended: [] }).interrupted).toBeUndefined();
});
