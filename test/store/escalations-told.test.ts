import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { NOW } from "./rows.ts";
import { given, type Story } from "../engine/given.ts";
import { approval, job } from "../engine/plans.ts";
import { cloneDatabase } from "../stack/database.ts";
import { createPool } from "../../src/store/postgres/pool.ts";
import { writeMirror } from "../../src/store/mirror/write-mirror.ts";
import { insertWebhook } from "../../src/store/webhooks/webhooks.ts";
import { takeUnmirrored } from "../../workflows/engine/mirror/mirroring.ts";

let db: Pool;

beforeAll(async () => {
  db = createPool(await cloneDatabase(inject("servers").templateUrl, `store-${randomBytes(6).toString("hex")}`));
});
afterAll(() => db.end());

const by = { created_by: "ada", updated_by: "ada", created_at: NOW, updated_at: NOW };
const [DAY, BOARD, BOSS] = [86_400, "board@example.com", "boss@example.com"];
const escalation = [
  { after_secs: DAY, approvers: ["group:board"], notify: [BOARD] },
  { after_secs: 7 * DAY, approvers: [BOSS] },
];

/** A gate in a project of its own, which tells of everything by mail. */
async function gated(): Promise<Story> {
  const project_id = uuid();
  await insertWebhook(db, { id: uuid(), project_id, events: ["*"], format: "mail", enabled: true, ...by });
  return given([approval("gate", [], { approval_escalation: escalation })], { id: uuid(), project_id });
}

/** Whom the writes so far have told, and of what. */
async function toldAfterWriting({ run }: Story): Promise<string[]> {
  await writeMirror(db, [takeUnmirrored(run)]);
  run.inFlight = undefined;
  const { rows } = await db.query<{ told: string }>(
    "select event || ' ' || recipient as told from webhook_deliveries where run_id = $1 and step_ref = 'gate'",
    [run.plan.run.id],
  );
  return rows.map(({ told }) => told).toSorted();
}

test("a gate that has escalated before it is first stored tells those who are to hear of it", async () => {
  const story = (await gated()).later(DAY);
  const first = [`approval.escalated ${BOARD}`];
  expect(await toldAfterWriting(story)).toEqual(first);
  expect(await toldAfterWriting(story)).toEqual(first);
  expect(await toldAfterWriting(story.later(6 * DAY))).toEqual([...first, `approval.escalated ${BOSS}`]);
});

test("so does one that asks again, whatever its former attempt had told", async () => {
  const story = await gated();
  expect(await toldAfterWriting(story)).toEqual([]);
  await toldAfterWriting(story.later(DAY));
  const again = story
    .does("reject", "gate")
    .does("retry", "gate")
    .later(7 * DAY);
  expect(await toldAfterWriting(again)).toEqual([
    ...[BOARD, BOARD, BOSS].map((address) => `approval.escalated ${address}`),
    `approval.requested ${BOSS}`,
  ]);
});

test("a gate whose workflow task was lost after it had been stored, and that opens again in the next, is told of once", async () => {
  const project_id = uuid();
  await insertWebhook(db, { id: uuid(), project_id, events: ["*"], format: "mail", enabled: true, ...by });
  const ids = { id: uuid(), project_id };
  const tried = () => given([job("first"), approval("gate", ["first"], { approval_approvers: [BOSS] })], ids);
  const requested = [`approval.requested ${BOSS}`];
  expect(await toldAfterWriting(tried().completes("first"))).toEqual(requested);
  const next = tried().later(1).completes("first");
  expect(await toldAfterWriting(next)).toEqual(requested);
  const { rows } = await db.query(
    "select extract(epoch from requested_at) * 1000 as at from approvals where run_id = $1",
    [ids.id],
  );
  expect(Number(rows[0].at)).toBe(next.now);
});
