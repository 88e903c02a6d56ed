import { given, type Story } from "../given.ts";
import { job } from "../plans.ts";

/** a → b → c, and a sibling of b that ends well. */
export const chain = () =>
  given([job("a"), job("b", ["a"]), job("c", ["b"]), job("side", ["a"])], { timeout_secs: 600 });

export const ENDINGS: [string, (run: Story) => Story][] = [
  ["failed", (run) => run.fails("b")],
  ["canceled", (run) => run.happens({ type: "cancel_requested" })],
  ["timed_out", (run) => run.later(600)],
];
