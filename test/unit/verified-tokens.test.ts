import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { VerifiedTokens } from "../../src/identity/verified-tokens.ts";

const ada = { actor: "ada", projects: ["demo"], scopes: ["*"] };
const inSecs = (secs: number) => Date.now() / 1000 + secs;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("a token is remembered for ten seconds, and never longer than it is valid", () => {
  const tokens = new VerifiedTokens();
  tokens.remember("long", ada, inSecs(3600));
  tokens.remember("short", ada, inSecs(3));
  tokens.remember("over", ada, inSecs(0));
  const known = () => ["long", "short", "over"].filter((token) => tokens.callerOf(token));
  expect(known()).toEqual(["long", "short"]);
  vi.advanceTimersByTime(2_999);
  expect(known()).toEqual(["long", "short"]);
  vi.advanceTimersByTime(1);
  expect(known()).toEqual(["long"]);
  vi.advanceTimersByTime(7_100);
  expect(known()).toEqual([]);
});

test("however many tokens there are, the latest are remembered", () => {
  const tokens = new VerifiedTokens();
  for (let i = 0; i < 5_000; i++) tokens.remember(`token ${i}`, ada, inSecs(3600));
  const remembered = Array.from({ length: 5_000 }, (_, i) => `token ${i}`).filter((token) => tokens.callerOf(token));
  expect(remembered.length).toBe(1_000);
  expect(remembered.at(-1)).toBe("token 4999");
});
