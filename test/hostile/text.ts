import { expect } from "vitest";
import pMap from "p-map";
import { expectProblem } from "../api/shapes.ts";
import type { Answered } from "../stack/harness.ts";

/** No line of text may hold any of these. */
export const REFUSED = [
  "\0",
  "a\0b",
  "\x1b[2J",
  "a\r\nb: c",
  "\x7f",
  "\u0085",
  "\ud800",
  "\udc00a",
  "x".repeat(100_000),
];
/** Fine wherever any text is. */
export const STRANGE = [
  ...["😀", "e\u0301", "\u202etxt.exe", "\u2028", "\uffff", "", " ", "__proto__", "constructor", "\\u0000"],
  ...["'); drop table runs; --", "{{payload.x}}", "../../etc/passwd"],
];
/** What a client's mistake is answered: some 4xx, complete, and no longer than it has to be. */
export function expectRefusal(answer: Answered<unknown>, label: string): void {
  expect(answer.status, label).toBeGreaterThanOrEqual(400);
  expect(answer.status, label).toBeLessThan(500);
  expectProblem(answer);
  expect(JSON.stringify(answer.body).length, label).toBeLessThan(10_000);
}

/** All of them, some at a time. */
export const each = <Item>(items: Iterable<Item>, ask: (item: Item) => Promise<void>) =>
  pMap(items, ask, { concurrency: 12 });
export function* pairs<A, B>(some: Iterable<A>, others: Iterable<B>): Generator<[A, B]> {
  for (const one of some) for (const other of others) yield [one, other];
}
export const short = (value: unknown) => (JSON.stringify(value) ?? "undefined").slice(0, 60);
