import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import dns from "node:dns";
import type { EventTrigger } from "../../src/contract/events/event-trigger.ts";
import type { Delivery } from "../../src/contract/webhooks/webhooks.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ allowPrivateEndpoints: false });
  on = scenarioOn(stack);
  vi.spyOn(dns, "lookup").mockImplementation(lookup as typeof dns.lookup);
});
afterAll(() => stack.stop());

const really = dns.lookup as (...of: unknown[]) => void;
type Answer = (error: Error | null, found?: dns.LookupAddress[]) => void;
/** One name leads inside, another nowhere. */
function lookup(name: string, options: object, answer: Answer): void {
  if (name === "inside.example.com") answer(null, [{ address: "127.0.0.1", family: 4 }]);
  else if (name === "nowhere.example.com") answer(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }));
  else really(name, options, answer);
}

const REFUSED = "invalid endpoint_url: uRL must not point to private or loopback addresses";

/** A job as a stack that allowed private endpoints may have stored it. */
async function jobAlreadyAt(url: string, path: string): Promise<void> {
  const id = await on.job(path, { endpoint_url: "https://jobs.example.com/work" });
  await stack.deps.db.query("update jobs set endpoint_url = $2 where id = $1", [id, url]);
}

/** A run with a wait that is told of there, as a stack that allowed private endpoints may have stored it. */
async function waitAlreadyAt(url: string, wait: { event_key: string; event_timeout_secs?: number }) {
  const outside = "https://hooks.example.com/";
  const step = { step_ref: "wait", step_type: "wait_for_event", event_notify_url: outside, ...wait };
  const workflow = await on.workflow([step]);
  const inside = "update workflow_versions set steps = replace(steps::text, $2, $3)::json where workflow_id = $1";
  await stack.deps.db.query(inside, [workflow.id, outside, url]);
  return on.trigger(workflow);
}

describe.concurrent("without ALLOW_PRIVATE_ENDPOINTS", () => {
  test.each([
    "http://127.0.0.1:8080/",
    "http://localhost/",
    "http://169.254.169.254/",
    "http://[::1]/",
    "http://10.0.0.8/",
  ])(
    "a job at %s is refused when it is made, and a webhook, and a step that would tell it of its wait",
    async (url) => {
      const job = { project_id: "demo", name: "inside", slug: "inside" };
      const outside = { ...job, endpoint_url: "https://jobs.example.com/work" };
      const asked: [string, object, string][] = [
        ["jobs", { ...job, endpoint_url: url }, "endpoint_url"],
        ["jobs", { ...outside, fallback_endpoint_url: url }, "fallback_endpoint_url"],
        ["webhooks", { events: ["*"], url }, "url"],
      ];
      for (const [path, body, field] of asked)
        expect(await stack.request("POST", `/v1/${path}`, body)).toMatchObject({
          status: 400,
          body: { error: REFUSED.replace("endpoint_url", field), details: [expect.stringContaining(field)] },
        });
      const step = { step_ref: "wait", step_type: "wait_for_event", event_key: "k", event_notify_url: url };
      const workflow = { project_id: "demo", name: "inside", slug: "inside", steps: [step] };
      const error = `step "wait": ${REFUSED.replace("endpoint_url", "event_notify_url")}`;
      const details = [`steps[0].event_notify_url of ${error}`];
      expect(await stack.request("POST", "/v1/workflows", workflow)).toMatchObject({
        status: 400,
        body: { error, details },
      });
    },
  );

  test("an address inside is not called, whatever the job says", async () => {
    await jobAlreadyAt(stack.jobs.url("/inside"), "/inside");
    const run = await on.start([{ step_ref: "a", calls: "/inside" }]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: REFUSED });
  });

  test("a name is judged by the address it leads to when it is called", async () => {
    await jobAlreadyAt("http://inside.example.com:8080/by-name", "/by-name");
    const run = await on.start([{ step_ref: "a", calls: "/by-name" }]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: REFUSED });
  });

  test("a fallback inside is not called", async () => {
    const id = await on.job("/fallback", { endpoint_url: "https://nowhere.example.com/work" });
    const inside = "update jobs set fallback_endpoint_url = $2 where id = $1";
    await stack.deps.db.query(inside, [id, stack.jobs.url("/fallback")]);
    const run = await on.start([{ step_ref: "a", calls: "/fallback" }]);
    expect((await on.ends(run)).error).toMatch(
      /host name not found; fallback: invalid endpoint_url: uRL must not point to/,
    );
    expect(stack.jobs.callsTo("/fallback")).toEqual([]);
  });

  test("a webhook inside is not told", async () => {
    const draft = { events: ["workflow_run.completed"], url: "https://hooks.example.com/" };
    const { body: hook } = await stack.request<{ id: string }>("POST", "/v1/webhooks", draft);
    for (const url of [stack.jobs.url("/hook"), "http://inside.example.com:8080/"]) {
      await stack.deps.db.query("update webhooks set url = $2 where id = $1", [hook.id, url]);
      const run = await on.start([{ step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1 }]);
      const told = async () =>
        (await stack.request<Delivery[]>("GET", `/v1/webhooks/${hook.id}/deliveries`)).body.find(
          ({ workflow_run_id, last_error }) => workflow_run_id === run.id && last_error,
        );
      expect((await until(told)).last_error).toContain("must not point to private or loopback addresses");
    }
    expect(stack.jobs.callsTo("/hook")).toEqual([]);
  });

  test("an event_notify_url inside is not told", async () => {
    await on.ends(await waitAlreadyAt(stack.jobs.url("/notified"), { event_key: "quiet", event_timeout_secs: 1 }));
    expect(stack.jobs.callsTo("/notified")).toEqual([]);
  });

  test("of an event_notify_url inside it is said that it was not told", async () => {
    await waitAlreadyAt(stack.jobs.url("/not-told"), { event_key: "not-told" });
    const event = async () => (await stack.request<EventTrigger>("GET", "/v1/events/not-told")).body;
    await until(async () => (await event()).notify_status === "failed");
    expect(stack.jobs.callsTo("/not-told")).toEqual([]);
  });
});

describe("with it", () => {
  test("a redirect is not followed: the endpoint's refusal is what it is", async () => {
    const open = await startStack();
    onTestFinished(() => open.stop());
    const there = scenarioOn(open);
    open.jobs.on("/moved", () => ({ status: 302, headers: { location: open.jobs.url("/elsewhere") } }));
    const moved = open.jobs.url("/moved");
    await open.request("POST", "/v1/webhooks", { events: ["workflow_run.failed"], url: moved });
    const wait = { step_ref: "wait", step_type: "wait_for_event", event_key: "k", event_notify_url: moved };
    const run = await there.start([wait]);
    await until(() => open.jobs.callsTo("/moved").length === 1);
    await there.cancel(run);

    const failed = await there.start([{ step_ref: "a", calls: "/moved" }]);
    expect((await there.ends(failed)).error).toBe("endpoint returned 302: redirects are not followed");
    // The step, and who is told of the run's end.
    await until(() => open.jobs.callsTo("/moved").length >= 3);
    expect(open.jobs.callsTo("/elsewhere")).toEqual([]);
  });
});
