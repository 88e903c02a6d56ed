import { afterEach, expect, it, vi } from "vitest";
import fc from "fast-check";
import { decodeCursor, encodeCursor } from "../../src/contract/cursor.ts";
import { epochMs, microseconds, rfc3339 } from "../../workflows/engine/time.ts";
import { now } from "../../src/time/clock.ts";

afterEach(() => vi.restoreAllMocks());

it("writes microseconds without trailing zeros", () => {
  const second = Date.parse("2026-03-02T10:00:00Z");
  for (const [ms, text] of [
    [0, "00Z"],
    [100, "00.1Z"],
    [120.5, "00.1205Z"],
    [0.001, "00.000001Z"],
    [999.999, "00.999999Z"],
    [999.9999, "01Z"],
    [1000.0001, "01Z"],
  ] as const)
    expect(rfc3339(second + ms)).toBe(`2026-03-02T10:00:${text}`);
});

it("reads back as the same number, from what was written, and as a cursor", () => {
  // 1970 to the year 2100, in microseconds. From 2109 on a double that counts milliseconds does not tell all of them apart.
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000_000 }), (us) => {
      const at = us / 1000;
      expect(microseconds(at)).toBe(at);
      const text = rfc3339(at);
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z$/);
      expect(epochMs(text)).toBe(at);
      expect(rfc3339(epochMs(text))).toBe(text);
      const id = "01900000-0000-7000-8000-000000000000";
      expect(decodeCursor(encodeCursor({ at, id }))).toEqual({ at, id });
      expect(rfc3339(decodeCursor(text)?.at ?? 0)).toBe(text);
    }),
  );
});

it("of a time with more digits, the cursor begins after it", () => {
  expect(decodeCursor("2026-03-02T10:00:00.1234561Z")?.at).toBe(epochMs("2026-03-02T10:00:00.123457Z"));
  expect(decodeCursor("2026-03-02T10:00:00.123456000Z")?.at).toBe(epochMs("2026-03-02T10:00:00.123456Z"));
  expect(decodeCursor("2026-03-02T12:00:00.5+02:00")?.at).toBe(epochMs("2026-03-02T10:00:00.5Z"));
});

it("the clock is Date.now() with more digits", () => {
  const times = Array.from({ length: 1_000 }, () => {
    const [before, at, after] = [Date.now(), now(), Date.now()];
    expect(at).toBeGreaterThanOrEqual(before - 2);
    expect(at).toBeLessThanOrEqual(after + 2);
    expect(microseconds(at)).toBe(at);
    return at;
  });
  expect(times.filter((at) => !Number.isInteger(at)).length).toBeGreaterThan(900);
});

it("and keeps them where the system's clock is set, or runs at another speed than the monotonic one", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.9, max: 1.1, noNaN: true }),
      fc.array(
        fc.record({ ms: fc.double({ min: 0.2, max: 50, noNaN: true }), set: fc.constantFrom(0, 0, 0, -3_000, 40) }),
        {
          minLength: 50,
        },
      ),
      (speed, spans) => {
        let [wall, monotonic] = [Date.now(), performance.now()];
        vi.spyOn(Date, "now").mockImplementation(() => Math.floor(wall));
        vi.spyOn(performance, "now").mockImplementation(() => monotonic);
        const times = spans.map(({ ms, set }) => {
          wall += ms + set;
          monotonic += ms * speed;
          const at = now();
          expect(Math.abs(at - wall)).toBeLessThanOrEqual(3);
          return at;
        });
        vi.restoreAllMocks();
        expect(times.filter((at) => !Number.isInteger(at)).length).toBeGreaterThan(times.length * 0.9);
      },
    ),
  );
});
