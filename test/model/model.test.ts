import { test } from "vitest";
import fc from "fast-check";
import { anyRun } from "./play.ts";

// The same cases each time; `npm run test:soak` plays new ones.
test("any run, told anything at any moment, is as the reference has it after every event, ends, and is mirrored as it is", () => {
  fc.assert(anyRun, { seed: 5, numRuns: 1000 });
});
