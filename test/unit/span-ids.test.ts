import fc from "fast-check";
import { expect, test } from "vitest";
import { runSpans } from "../../src/tracing/run-spans.ts";
import { takeUnmirrored } from "../../workflows/engine/mirror/mirroring.ts";
import {
  attemptSpanId,
  jobRunSpanId,
  reopenedSpanId,
  runSpanId,
  stepSpanId,
  traceIdOf,
} from "../../workflows/engine/ids.ts";
import { given } from "../engine/given.ts";
import { job } from "../engine/plans.ts";

const uuid = fc.uuid();
const attempt = fc.integer({ min: 1, max: 100 });

test("ids of spans follow from what they are of: the same each time, and no other's", () => {
  fc.assert(
    fc.property(uuid, uuid, attempt, attempt, (a, b, n, m) => {
      fc.pre(a !== b && n !== m);
      const all = [a, b].flatMap((id) => [
        ...[runSpanId(id), jobRunSpanId(id), reopenedSpanId(id, n), reopenedSpanId(id, m)],
        ...[stepSpanId(id, n), stepSpanId(id, m), attemptSpanId(id, n), attemptSpanId(id, m)],
      ]);
      for (const id of all) expect(id).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
      expect(new Set(all).size).toBe(all.length);
      expect(runSpanId(a)).toBe(runSpanId(a));
      expect(traceIdOf(a)).toMatch(/^[0-9a-f]{32}$/);
    }),
  );
});

/** A run of one job whose first attempt fails, as its rows tell it. */
function failedOnce(header: object) {
  const story = given([job("a")], header);
  story.fails("a", { class: "server" }).later(60).completes("a");
  return takeUnmirrored(story.run);
}

test("a run that is in no trace, or in one that is not sampled, has no spans", () => {
  const trace = { trace_id: "1".repeat(32), sampled: true };
  expect(runSpans(failedOnce({}))).toBeUndefined();
  expect(runSpans(failedOnce({ trace: { ...trace, sampled: false } }))).toBeUndefined();
  const names = runSpans(failedOnce({ trace }))?.spans.map(({ span }) => [span.name, span.attributes["error.type"]]);
  expect(names).toEqual([
    ["attempt 1", "server"],
    ["attempt 2", undefined],
    ["step a", undefined],
    ["run release train", undefined],
  ]);
});
