import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import dns from "node:dns";
import type { EventTrigger } from "../../src/contract/events/event-trigger.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ allowPrivateEndpoints: false });
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const REFUSED = "invalid endpoint_url: uRL must not point to private or loopback addresses";

/** A job as a stack that allowed private endpoints may have stored it. */
async function jobAlreadyAt(url: string, path: string): Promise<void> {
  const id = await on.job(path, { endpoint_url: "https://jobs.example.com/work" });
  await stack.deps.db.query("update jobs set endpoint_url = $2 where id = $1", [id, url]);
}

describe.concurrent("without ALLOW_PRIVATE_ENDPOINTS", () => {
  test.each([
    "http://127.0.0.1:8080/",
    "http://localhost/",
    "http://169.254.169.254/",
    "http://[::1]/",
    "http://10.0.0.8/",
  ])("a job at %s is refused when it is made", async (endpoint_url) => {
    const body = { project_id: "demo", name: "inside", slug: "inside", endpoint_url };
    expect(await stack.request("POST", "/v1/jobs", body)).toMatchObject({ status: 400, body: { error: REFUSED } });
  });

  test("an address inside is not called, whatever the job says", async () => {
    await jobAlreadyAt(stack.jobs.url("/inside"), "/inside");
    const run = await on.start([{ step_ref: "a", calls: "/inside" }]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: REFUSED });
  });

  test("a name is judged by the address it leads to when it is called", async () => {
    const leadsInside = (_name: string, _options: object, answer: (error: null, found: dns.LookupAddress[]) => void) =>
      answer(null, [{ address: "127.0.0.1", family: 4 }]);
    vi.spyOn(dns, "lookup").mockImplementationOnce(leadsInside as typeof dns.lookup);
    await jobAlreadyAt("http://jobs.example.com:8080/by-name", "/by-name");
    const run = await on.start([{ step_ref: "a", calls: "/by-name" }]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: REFUSED });
  });

  test("an event_notify_url inside is not told", async () => {
    const wait = { step_ref: "wait", step_type: "wait_for_event", event_key: "quiet", event_timeout_secs: 1 };
    const run = await on.start([{ ...wait, event_notify_url: stack.jobs.url("/notified") }]);
    await on.ends(run);
    expect(stack.jobs.callsTo("/notified")).toEqual([]);
  });

  test("of an event_notify_url inside it is said that it was not told", async () => {
    const wait = { step_ref: "wait", step_type: "wait_for_event", event_key: "not-told" };
    await on.start([{ ...wait, event_notify_url: stack.jobs.url("/not-told") }]);
    const event = async () => (await stack.request<EventTrigger>("GET", "/v1/events/not-told")).body;
    await until(async () => (await event()).notify_status === "failed");
    expect(stack.jobs.callsTo("/not-told")).toEqual([]);
  });
});

describe("with it", () => {
  test("a redirect is not followed: the endpoint's refusal is what it is", async () => {
    const open = await startStack();
    const there = scenarioOn(open);
    open.jobs.on("/moved", () => ({ status: 302, headers: { location: open.jobs.url("/elsewhere") } }));
    const run = await there.start([{ step_ref: "a", calls: "/moved" }]);

    expect((await there.ends(run)).error).toBe("endpoint returned 302: redirects are not followed");
    expect(open.jobs.callsTo("/elsewhere")).toEqual([]);
    await open.stop();
  });
});
