import pino from "pino";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Journal } from "../../activities/calls/journal.ts";
import { MirrorWriter } from "../../activities/mirror.ts";
import type { Pool } from "pg";
import { takeUnmirrored } from "../../workflows/engine/mirror/mirroring.ts";
import type { MirrorRows } from "../../workflows/engine/mirror/rows.ts";
import { withFakeTime } from "../calls/fake-time.ts";
import { given } from "../engine/given.ts";
import { approval, job } from "../engine/plans.ts";

withFakeTime();

/** Each statement, in order, to be ended by the test. */
let statements: { name: string; runs: string[]; done: () => void; failed: (error: Error) => void }[];
let writer: MirrorWriter;

beforeEach(() => {
  statements = [];
  const query = ({ name, values }: { name: string; values: string[] }) =>
    new Promise<{ rows: [] }>((written, failed) => {
      const runs = (JSON.parse(values[0] ?? "[]") as { id?: string }[]).flatMap(({ id }) => id ?? []);
      statements.push({ name, runs, done: () => written({ rows: [] }), failed });
    });
  const db = { query } as unknown as Pool;
  const deps = { db, log: pino({ level: "silent" }) };
  writer = new MirrorWriter(deps, new Journal(deps));
});

const soon = () => vi.advanceTimersByTimeAsync(0);
const rowsOf = (id: string): MirrorRows => takeUnmirrored(given([job("a")], { id }).run);
function approved(id: string): MirrorRows {
  const story = given([approval("gate")], { id });
  story.command("approve", "gate");
  return takeUnmirrored(story.run);
}
const inPassing = (rows: MirrorRows) => writer.writeBestEffort(rows, () => {});
const written = () => statements.map(({ runs }) => runs.join(" "));

describe("one statement at a time", () => {
  test("carries all the runs that asked during the last, each once", async () => {
    void writer.write(rowsOf("a"));
    await soon();
    for (const id of ["b", "c", "b"]) void writer.write(rowsOf(id));
    await soon();
    expect(written()).toEqual(["a"]);
    statements[0]?.done();
    await soon();
    expect(written()).toEqual(["a", "b c"]);
    statements[1]?.done();
    await soon();
    expect(written()).toEqual(["a", "b c", "b"]);
  });

  test("is told as written when it is, and not before", async () => {
    const done = vi.fn();
    void writer.write(rowsOf("a")).then(done);
    await soon();
    expect(done).not.toHaveBeenCalled();
    statements[0]?.done();
    await soon();
    expect(done).toHaveBeenCalled();
  });

  test("that fails is written run by run, and fails only those that fail alone", async () => {
    void writer.write(rowsOf("a"));
    await soon();
    const ends: string[] = [];
    for (const id of ["b", "c"])
      writer.write(rowsOf(id)).then(
        () => ends.push(`${id} written`),
        () => ends.push(`${id} failed`),
      );
    statements[0]?.done();
    await soon();
    statements[1]?.failed(new Error("a row of b is refused"));
    await soon();
    expect(written()).toEqual(["a", "b c", "b", "c"]);
    statements[2]?.failed(new Error("a row of b is refused"));
    statements[3]?.done();
    await soon();
    expect(ends.sort()).toEqual(["b failed", "c written"]);
  });
});

describe("what nobody waits for", () => {
  beforeEach(async () => {
    void writer.write(rowsOf("first"));
    await soon();
    statements.shift()?.done();
    await soon();
  });

  test("is written a moment after the last write, in one statement", async () => {
    inPassing(rowsOf("a"));
    await vi.advanceTimersByTimeAsync(50);
    inPassing(rowsOf("b"));
    expect(written()).toEqual([]);
    await vi.advanceTimersByTimeAsync(50);
    expect(written()).toEqual(["a b"]);
  });

  test("goes along with what somebody waits for", async () => {
    inPassing(rowsOf("a"));
    await soon();
    void writer.write(rowsOf("b"));
    await soon();
    expect(written()).toEqual(["a b"]);
  });

  test("is left out where a certain write of the run carries the same", async () => {
    inPassing(rowsOf("a"));
    await soon();
    void writer.write(rowsOf("a"));
    await soon();
    statements[0]?.done();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written()).toEqual(["a"]);
  });

  test("is written at once where it says what became of a command: somebody waits for that", async () => {
    inPassing(approved("a"));
    await soon();
    expect(written()).toEqual(["a"]);
  });
});

test("an end is written once its workflow task's news is in the journal, however long that takes", async () => {
  const heard = { began: 1, news: { signals: 1, others: 0 }, execution: "execution", length: 7 };
  void writer.write(rowsOf("a"), heard);
  await vi.advanceTimersByTimeAsync(10);
  expect(statements.map(({ name }) => name)).toEqual(["insert_journal"]);
  statements[0]?.failed(new Error("Postgres is away"));
  await vi.advanceTimersByTimeAsync(10);
  expect(statements.map(({ name }) => name)).toEqual(["insert_journal"]);
  await vi.advanceTimersByTimeAsync(1_000);
  statements[1]?.done();
  await vi.advanceTimersByTimeAsync(10);
  expect(statements.map(({ name }) => name)).toEqual(["insert_journal", "insert_journal", "write_mirror"]);
});
