import { EventEmitter, once } from "node:events";
import { setTimeout as pauseFor } from "node:timers/promises";
import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { isOutage } from "../../src/outage.ts";
import { inTransaction } from "../../src/store/postgres/transaction.ts";
import { createPool } from "../../src/store/postgres/pool.ts";
import { cloneDatabase } from "../stack/database.ts";

let db: Pool;
beforeAll(async () => {
  db = createPool(await cloneDatabase(inject("servers").templateUrl, `transaction-${randomBytes(6).toString("hex")}`));
});
afterAll(() => db.end());

test("a connection that is lost while the transaction waits for something else is an outage to it, and to nobody else", async () => {
  const uncaught: unknown[] = [];
  const listener = (error: unknown) => void uncaught.push(error);
  process.on("uncaughtException", listener);
  const lost = inTransaction(db, async (transaction) => {
    const { rows } = await transaction.query<{ pid: number }>("select pg_backend_pid() as pid");
    const gone = new Promise((resolve) => transaction.once("end", resolve));
    await db.query("select pg_terminate_backend($1)", [rows[0]?.pid]);
    await gone;
  });
  expect(isOutage(await lost.catch((error) => error))).toBe(true);
  process.off("uncaughtException", listener);
  expect(uncaught).toEqual([]);
});

test("a transaction whose process is frozen holds its locks for 20 s, and stores nothing when it goes on", async () => {
  await db.query("create table held (n integer); insert into held values (0)");
  const signals = new EventEmitter();
  const isHeld = once(signals, "held");
  const frozen = inTransaction(db, async (transaction) => {
    await transaction.query("update held set n = n + 1");
    signals.emit("held");
    await once(signals, "goes on");
  });
  frozen.catch(() => {});
  await isHeld;
  const began = Date.now();
  // A query is given up after 15 s, as by the processes that wait.
  for (let isFree = false; !isFree; await pauseFor(100))
    isFree = await db.query("update held set n = 10").then(
      () => true,
      () => false,
    );
  expect(Date.now() - began).toBeGreaterThan(19_000);
  signals.emit("goes on");
  expect(isOutage(await frozen.catch((error) => error))).toBe(true);
  expect((await db.query("select n from held")).rows).toEqual([{ n: 10 }]);
});
