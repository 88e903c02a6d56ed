/** A text with a new state of an automaton, which looks for `a[ab]{100}[cd]`, at nearly each of its characters. */
export const ALWAYS_NEW = Array.from(
  { length: 2_000 },
  (_, i) => "ab"[Math.floor(Math.abs(Math.sin(i)) * 10_000) % 2],
).join("");
