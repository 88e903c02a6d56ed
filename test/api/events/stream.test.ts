import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventTrigger } from "../../../src/contract/events/event-trigger.ts";
import { connect } from "../../../client/index.ts";
import { eventTrigger, refused } from "../shapes.ts";
import { callerOf, NOT_FOUND, pathOf } from "./callers.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** The triggers that are told of the key, as they come. `over` resolves once nothing more does. */
function streamOf(project: string, eventKey: string) {
  const { streamEvent } = connect(stack.apiUrl, stack.token({ projects: [project] }));
  const told: EventTrigger[] = [];
  const read = async () => {
    for await (const { event, data } of streamEvent({ path: { eventKey } })) {
      expect(event).toBe("status");
      told.push(eventTrigger.parse(data) as EventTrigger);
    }
    return told.map(({ status }) => status);
  };
  return { told, over: read() };
}

test.concurrent("a stream tells what waits for a key at once, and what becomes of it, and ends", async () => {
  const { project, ask, get, waits } = callerOf(stack);
  await waits("order/7");
  const stream = streamOf(project, "order/7");
  await until(() => stream.told.length === 1);
  await ask("POST", `${pathOf("order/7")}/send`, { payload: { paid: true } });
  expect(await stream.over).toEqual(["waiting", "received"]);
  expect(stream.told[1]).toEqual(await get("order/7"));
});

test.concurrent("a stream tells of an end that nobody has asked for, and of one that there is already", async () => {
  const { project, ask, waits } = callerOf(stack);
  await waits("late", { event_timeout_secs: 1 });
  expect(await streamOf(project, "late").over).toEqual(["waiting", "timed_out"]);
  expect(await streamOf(project, "late").over).toEqual(["timed_out"]);

  await ask("POST", `${pathOf("held")}/send`, { hold_secs: 60 });
  const held = streamOf(project, "held");
  await until(() => held.told.length === 1);
  await ask("DELETE", pathOf("held"));
  expect(await held.over).toEqual(["held", "canceled"]);
});

test.concurrent("a stream ends when its time is over, as any answer", async () => {
  const { project, waits } = callerOf(stack);
  await waits("stays");
  expect(await streamOf(project, "stays").over).toEqual(["waiting"]);
});

test.concurrent("a stream is server-sent events with the headers of every answer, and is refused in JSON", async () => {
  const { ask, waits, get } = callerOf(stack);
  await waits("over");
  await ask("DELETE", pathOf("over"));
  const { status, headers, body } = await ask("GET", `${pathOf("over")}/stream`);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  for (const name of ["x-request-id", "x-api-version", "x-content-type-options"]) expect(headers.has(name)).toBe(true);
  const [, data = ""] = /^event: status\ndata: (.*)\n\n$/.exec(body as string) ?? [];
  expect(eventTrigger.parse(JSON.parse(data))).toEqual(await get("over"));

  expect(await ask("HEAD", `${pathOf("over")}/stream`)).toMatchObject({ status: 200, body: "" });
  for (const caller of [callerOf(stack), { ask }])
    refused(
      await caller.ask("GET", `${pathOf(caller.ask === ask ? "nope" : "over")}/stream`),
      404,
      "not_found",
      NOT_FOUND,
    );
  refused(
    await ask("GET", "/v1/events/a%01/stream"),
    400,
    "validation_error",
    /^event key contains invalid characters/,
  );
});
