import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { saveOutcome } from "../../src/store/commands.ts";
import {
  findHeldEvent,
  type HeldEvent,
  holdEvent,
  type NewHeldEvent,
  registerWait,
} from "../../src/store/events/held-events.ts";
import { createPool } from "../../src/store/postgres/pool.ts";
import { cloneDatabase } from "../stack/database.ts";
import { NOW, wait } from "./rows.ts";
import type { TriggerRow } from "../../workflows/engine/mirror/rows.ts";

let db: Pool;

beforeAll(async () => {
  db = createPool(await cloneDatabase(inject("servers").templateUrl, `store-${randomBytes(6).toString("hex")}`));
});
afterAll(() => db.end());

describe("an event that is held", () => {
  const held = (wait: TriggerRow, text = "1"): NewHeldEvent => ({
    ...{ id: uuid(), project_id: wait.project_id, event_key: wait.event_key, text, hold_secs: 60, sent_by: "ada" },
  });
  const said = ({ run_id = "", command_id = "" }: HeldEvent, status: "applied" | "refused") =>
    saveOutcome(db, run_id, { id: command_id, verb: "send-event", actor: "ada", at: NOW, status });
  const eventOf = async (wait: TriggerRow) => {
    const registered = await registerWait(db, wait);
    if (registered === "taken" || !("event" in registered) || !registered.event) throw new Error("nothing is offered");
    return registered.event;
  };

  test("is offered to the wait that opens first, by however many tries, and to no other until that is settled", async () => {
    const project = uuid();
    const [first, second] = [wait(project), wait(project)];
    const { id } = await holdEvent(db, held(first));
    const offered = await eventOf(first);
    expect(offered).toMatchObject({ id, status: "offered", run_id: first.run_id });
    expect(await eventOf(first)).toEqual(offered);
    // Its wait is over, and nobody knows yet what it said to the event.
    await db.query("update event_triggers set status = 'canceled', revision = 2 where id = $1", [first.id]);
    expect(await registerWait(db, second)).toEqual({ unsettled: offered });
    await said(offered, "refused");
    const again = await eventOf(second);
    expect(again).toMatchObject({ id, status: "offered", run_id: second.run_id });
    expect(again.command_id).not.toBe(offered.command_id);
    await said(again, "applied");
    expect(await registerWait(db, second)).toEqual({});
    expect(await findHeldEvent(db, id)).toMatchObject({ status: "delivered", run_id: second.run_id });
  });

  test("after its time is nobody's, unless it was offered before", async () => {
    const [late, inTime] = [wait(uuid()), wait(uuid())];
    const over = () => db.query("update held_events set expires_at = now()");
    await holdEvent(db, held(late));
    await holdEvent(db, held(inTime));
    const offered = await eventOf(inTime);
    await over();
    expect(await registerWait(db, late)).toEqual({});
    expect(await eventOf(inTime)).toMatchObject({ id: offered.id, command_id: offered.command_id });
  });

  test("goes with ten holds and ten waits at once to one wait, and none is left over beside a wait", async () => {
    for (let round = 0; round < 20; round++) {
      const project = uuid();
      const waits = Array.from({ length: 10 }, () => wait(project));
      const holds = waits.map((one, i) => () => holdEvent(db, held(one, `${i}`)));
      const done = await Promise.all(
        [...holds, ...waits.map((one) => () => registerWait(db, one))].map((act) => act()),
      );
      const { rows } = await db.query("select status, run_id from held_events where project_id = $1", [project]);
      const open = await db.query("select run_id from event_triggers where project_id = $1", [project]);
      expect(open.rows).toHaveLength(1);
      expect(rows).toEqual([{ status: "offered", run_id: open.rows[0].run_id }]);
      expect(done.filter((one) => one === "taken" || "unsettled" in one)).toHaveLength(9);
    }
  });
});
