import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommandStatus } from "../../src/contract/answers/commands.ts";
import type { BulkCanceled } from "../../src/contract/bulk/verbs.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { atGate } from "./gate-then-job.ts";
import { type Answered, type RequestOptions, type Stack, startStack } from "../stack/harness.ts";
import { LogLines } from "../stack/log-lines.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

type Accepted = { command_id: string; status: string };

const log = new LogLines();
let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ logLevel: "info", logTo: log });
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const where = (answer: Answered<Accepted>): string => answer.headers.get("location") ?? "";
const ask = (location: string, options?: RequestOptions) =>
  stack.request<CommandStatus>("GET", location, undefined, options);
const settled = (location: string): Promise<CommandStatus> =>
  until(async () => {
    const { body } = await ask(location);
    return body.status !== "pending" && body;
  });
/** Its lines in the log, in their order. */
const lines = (id: string) => log.all("command").filter(({ command_id }) => command_id === id);
const cancel = ({ id }: { id: string }, options?: RequestOptions) =>
  stack.request<Accepted>("DELETE", `/v1/workflow-runs/${id}`, undefined, options);
const withKey = (key: string) => ({ headers: { "idempotency-key": key } });

describe("what was answered 202", () => {
  test("says where to ask, and there it is pending, then applied or refused in the verb's own words", async () => {
    const [run, other] = [await atGate(on), await atGate(on)];
    const asEve = { token: stack.token({ sub: "eve", scopes: ["workflows:write"] }) };
    const [eves, skip, adas] = await stack.withoutWorker(async () => {
      const answers = await Promise.all([
        on.steer<Accepted>(run, "approve", "gate", undefined, asEve),
        on.steer<Accepted>(run, "skip", "gate", undefined, asEve),
        on.steer<Accepted>(other, "approve", "gate", undefined, withKey("ada / approves")),
      ]);
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 202, body: { command_id: expect.any(String), status: "accepted" } });
        const pending = await ask(where(answer));
        expect(pending).toMatchObject({ status: 200, body: { command_id: answer.body.command_id, status: "pending" } });
        expect(pending.body.accepted_at).toMatch(/Z$/);
        expect(pending.body.settled_at).toBeUndefined();
      }
      return answers;
    });
    expect(where(adas)).toBe(`/v1/workflow-runs/${other.id}/commands/ada%20%2F%20approves`);
    const message = "approver eve is not allowed for step gate";
    expect(await settled(where(eves))).toMatchObject({
      ...{ verb: "approve", step_ref: "gate", actor: "eve", status: "refused", code: "approver_not_allowed" },
      ...{ error: message, message, details: ["approvers: ada"] },
      ...{ accepted_at: expect.any(String), settled_at: expect.any(String) },
    });
    const forbidden = "insufficient permissions: requires approvals:override";
    expect(await settled(where(skip))).toMatchObject({ status: "refused", code: "forbidden", error: forbidden });
    expect(await settled(where(adas))).toMatchObject({ status: "applied", actor: "ada" });
    expect((await settled(where(adas))).error).toBeUndefined();
    const line = { verb: "approve", run: other.id, step: "gate", actor: "ada" };
    const told = await until(() => lines("ada / approves").length > 1 && lines("ada / approves"));
    expect(told).toMatchObject([
      { ...line, outcome: "accepted" },
      { ...line, outcome: "applied" },
    ]);
    expect(await on.ends(other)).toMatchObject({ status: "completed" });
  });

  test("of a bulk cancel's runs is told apart from what is canceled, and what is refused", async () => {
    const run = await atGate(on);
    const over = await atGate(on);
    await cancel(over);
    const bulk = () =>
      stack.request<BulkCanceled>("POST", "/v1/workflow-runs/bulk-cancel", { workflow_run_ids: [over.id, run.id] });
    const { body } = await stack.withoutWorker(bulk);
    const accepted = [{ workflow_run_id: run.id, command_id: expect.any(String) }];
    expect(body).toEqual({ canceled: 0, failed: 1, workflow_run_ids: [], accepted });
    const command = `/v1/workflow-runs/${run.id}/commands/${body.accepted?.[0]?.command_id}`;
    expect(await settled(command)).toMatchObject({ verb: "cancel", status: "applied" });
    expect(await on.ends(run)).toMatchObject({ status: "canceled" });
  });

  test("of a cancel is pending until the run is over, and applied if it was canceled", async () => {
    const run = await atGate(on);
    const told = await stack.withoutWorker(async () => {
      const answer = await cancel(run);
      expect((await ask(where(answer))).body).toMatchObject({ verb: "cancel", status: "pending" });
      return answer;
    });
    expect(await settled(where(told))).toMatchObject({ verb: "cancel", actor: "ada", status: "applied" });
    expect(await on.ends(run)).toMatchObject({ status: "canceled" });
  });

  test("of a cancel stays what it was, also when the run goes on before anybody asks", async () => {
    const run = await atGate(on);
    const told = await stack.withoutWorker(() => cancel(run));
    await on.ends(run);
    expect((await on.steer(run, "retry", "gate")).status).toBe(200);
    await on.opens(run, "gate");
    expect((await ask(where(told))).body).toMatchObject({ status: "applied" });
  });

  test("and was not heard before the end is refused, as the run that is over would", async () => {
    const run = await atGate(on);
    const told = await stack.withoutWorker(async () => {
      return Promise.all([on.steer<Accepted>(run, "pause"), cancel(run), on.steer<Accepted>(run, "resume")]);
    });
    await on.ends(run);
    for (const answer of told) expect((await settled(where(answer))).status).toMatch(/applied|refused/);
  });

  test("of a bulk operation says where to ask, too", async () => {
    const ids = (await Promise.all([atGate(on), atGate(on)])).map(({ id }) => id);
    const draft = { project_id: "demo", operation: "pause", ids, max_per_second: 1 };
    const told = await stack.withoutWorker(async () => {
      const { body } = await stack.request<{ id: string }>("POST", "/v1/bulk-operations", draft);
      const answer = await stack.request<Accepted>("POST", `/v1/bulk-operations/${body.id}/abort`);
      expect(answer.status).toBe(202);
      expect(where(answer)).toBe(`/v1/bulk-operations/${body.id}/commands/${answer.body.command_id}`);
      expect((await ask(where(answer))).body).toMatchObject({ verb: "abort", status: "pending" });
      return answer;
    });
    expect(await settled(where(told))).toMatchObject({ verb: "abort", status: "applied", actor: "ada" });
    const lived = await until(() => lines(told.body.command_id).length > 1 && lines(told.body.command_id));
    expect(lived).toMatchObject(["accepted", "applied"].map((outcome) => ({ verb: "abort", actor: "ada", outcome })));
  });

  test("an id that nobody sent is not found, nor is another run's or another project's", async () => {
    const [run, other] = [await atGate(on), await atGate(on)];
    const told = await stack.withoutWorker(() => on.steer<Accepted>(run, "pause"));
    const { command_id } = told.body;
    const notFound = { status: 404, body: { code: "not_found", error: "command not found" } };
    expect(await ask(`/v1/workflow-runs/${run.id}/commands/nobody's`)).toMatchObject(notFound);
    expect(await ask(`/v1/workflow-runs/${other.id}/commands/${command_id}`)).toMatchObject(notFound);
    const theirs = { token: stack.token({ projects: ["other"] }) };
    expect(await ask(where(told), theirs)).toMatchObject({ status: 404, body: { error: "workflow run not found" } });
  });
});

describe("under its Idempotency-Key", () => {
  test("a DELETE has the same answer again, also once it was only accepted", async () => {
    const [run, later] = [await atGate(on), await atGate(on)];
    const first = await cancel(run, withKey("k"));
    expect(first.status).toBe(200);
    expect(await cancel(run, withKey("k"))).toMatchObject({ status: 200, body: first.body });
    expect(await cancel(run)).toMatchObject({ status: 400, body: { code: "invalid_state" } });
    expect(await cancel(run, withKey("another"))).toMatchObject({ status: 400, body: { code: "invalid_state" } });

    await stack.withoutWorker(async () => {
      const answers = await Promise.all(["once", "twice"].map(() => cancel(later, withKey("k"))));
      for (const answer of answers) expect(answer).toMatchObject({ status: 202, body: { command_id: "k" } });
    });
    await on.ends(later);
    expect(await cancel(later, withKey("k"))).toMatchObject({ status: 200, body: { status: "canceled" } });
  });

  test("a DELETE that was refused is refused again, and one that was done is not done to the run's next life", async () => {
    const run = await atGate(on);
    await cancel(run, withKey("done"));
    await cancel(run, withKey("refused"));
    const outcomes = ["done", "refused"].map((key) => ask(`/v1/workflow-runs/${run.id}/commands/${key}`));
    // In microseconds: of two, not both have none by chance.
    expect((await Promise.all(outcomes)).map(({ body }) => body.settled_at).join()).toMatch(/\.\d{4,6}Z/);
    expect((await on.steer(run, "retry", "gate")).status).toBe(200);
    await on.opens(run, "gate");
    expect(await cancel(run, withKey("refused"))).toMatchObject({ status: 400, body: { code: "invalid_state" } });
    expect(await cancel(run, withKey("done"))).toMatchObject({ status: 200, body: { status: "running" } });
    expect(await on.run(run)).toMatchObject({ status: "running" });
  });

  test("a key is one command's: another verb, step or body under it is a conflict", async () => {
    const run = await atGate(on);
    const key = withKey("one");
    await on.steer(run, "pause", undefined, undefined, key);
    const conflict = { status: 409, body: { code: "conflict" } };
    expect(await cancel(run, key)).toMatchObject(conflict);
    expect(await on.steer(run, "resume", undefined, undefined, key)).toMatchObject(conflict);
    expect(await on.steer(run, "approve", "gate", undefined, key)).toMatchObject(conflict);
    expect(await on.steer(run, "pause", undefined, undefined, key)).toMatchObject({ status: 200 });
    expect(await on.run(run)).toMatchObject({ status: "paused" });

    const reason = (text: string) => on.steer(run, "reject", "gate", { reason: text }, withKey("two"));
    expect(await reason("late")).toMatchObject({ status: 200 });
    expect(await reason("early")).toMatchObject(conflict);
    expect(await reason("late")).toMatchObject({ status: 200 });
  });

  test("what a closed run refused stays refused when it is open again", async () => {
    const run = await atGate(on);
    await on.cancel(run);
    const pause = () => on.steer(run, "pause", undefined, undefined, withKey("late"));
    const over = { status: 400, body: { code: "invalid_state", error: "workflow run already in terminal state" } };
    expect(await pause()).toMatchObject(over);
    await on.steer(run, "retry", "gate");
    await on.opens(run, "gate");
    expect(await pause()).toMatchObject(over);
  });

  test("an approval's event has the same answer again, and none of another payload", async () => {
    const run = await atGate(on);
    const key = `approval:${run.id}:gate`;
    const send = (payload: unknown, options?: RequestOptions) =>
      stack.request("POST", `/v1/events/${encodeURIComponent(key)}/send`, { payload }, options);
    const first = await send({ ok: 1 }, withKey("k"));
    expect(first).toMatchObject({ status: 200, body: { status: "received" } });
    expect(await send({ ok: 1 }, withKey("k"))).toMatchObject({ status: 200, body: first.body });
    expect(await send({ ok: 2 }, withKey("k"))).toMatchObject({ status: 409 });
    expect(await send({ ok: 1 })).toMatchObject({ status: 409 });
    for (const _ of ["once", "twice"]) expect(await send({ ok: 1 }, withKey("late"))).toMatchObject({ status: 409 });
  });

  test("an event goes to no other run that waits for it by then", async () => {
    const waits = [{ step_ref: "paid", step_type: "wait_for_event", event_key: "paid:one" }];
    const send = () => stack.request("POST", "/v1/events/paid%3Aone/send", { payload: 1 }, withKey("k"));
    const first = await on.start(waits);
    await on.opens(first, "paid");
    const sent = await send();
    expect(sent.status).toBe(200);
    await on.ends(first);
    const second = await on.start(waits);
    await on.opens(second, "paid");
    expect(await send()).toMatchObject({ status: 200, body: sent.body });
    expect(await on.step(second, "paid")).toMatchObject({ status: "waiting" });
  });

  test("a bulk cancel counts the same again; a retry answers its run, also once the source runs again", async () => {
    const run = await atGate(on);
    const bulk = () =>
      stack.request("POST", "/v1/workflow-runs/bulk-cancel", { workflow_run_ids: [run.id] }, withKey("bulk"));
    expect(await bulk()).toMatchObject({ status: 200, body: { canceled: 1, failed: 0 } });
    expect(await bulk()).toMatchObject({ status: 200, body: { canceled: 1, failed: 0 } });

    const retry = () => on.steer<WorkflowRun>(run, "retry", undefined, undefined, withKey("retry"));
    const made = await retry();
    expect(made.status).toBe(201);
    await on.steer(run, "retry", "gate");
    await on.opens(run, "gate");
    expect(await retry()).toMatchObject({ status: 201, body: { id: made.body.id } });
  });
});
