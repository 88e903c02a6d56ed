import { defaultPayloadConverter } from "@temporalio/common";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { replayHistory } from "../../../src/cli/replay-history.ts";
import { releaseBy, temporalOf } from "./temporal-of.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { activityOf, localActivityOf } from "../../stack/histories.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import { calling, event, GATE } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const RELEASE = releaseBy("/build");
const { handleOf, detailsOf, ends } = temporalOf(() => stack);

describe.concurrent("in the Temporal Web UI", () => {
  test("a run has the id, the name and the attributes by which operators find it", async () => {
    const slug = `release-${randomUUID()}`;
    const described = { name: "Release  train", slug, description: "To production." };
    const run = await on.start(RELEASE, { payload: { version: "2.4" } }, described);
    await on.opens(run, "gate");
    const description = await handleOf(run).describe();
    expect(description.type).toBe(slug);
    expect(await description.staticSummary()).toBe("Release train v1");
    expect(await description.staticDetails()).toMatch(/^To production\.\n\n- payload: version\n- requested by ada,/);
    const waiting = { Project: ["demo"], Definition: [slug], Requester: ["ada"], RunStatus: ["running"] };
    await until(async () => (await handleOf(run).describe()).searchAttributes.WaitingOn?.length);
    expect((await handleOf(run).describe()).searchAttributes).toMatchObject({ ...waiting, WaitingOn: ["gate"] });
    const isFound = (query: string) => until(async () => (await stack.deps.temporal.workflow.count(query)).count === 1);
    await isFound(`WorkflowType = "${slug}" and Project = "demo" and Requester = "ada" and WaitingOn = "gate"`);

    await on.steer(run, "approve", "gate");
    await ends(run);
    await isFound(`Definition = "${slug}" and RunStatus = "completed" and WaitingOn is null`);
  });

  test("a sub-workflow, a run that is opened again and one that is retried have the type, too", async () => {
    stack.jobs.on("/once", (_, nth) => ({ status: nth === 1 ? 422 : 200 }));
    const slug = `child-${randomUUID()}`;
    const child = await on.workflow([{ step_ref: "a", calls: "/once" }], { slug });
    const parent = await on.start([calling(child)]);
    expect(await on.ends(parent)).toMatchObject({ status: "failed" });
    const [failed] = (await on.runsOf(child)) as [WorkflowRun];
    const typeOf = async (run: { id: string }) => (await handleOf(run).describe()).type;
    expect(await typeOf(failed)).toBe(slug);
    await until(async () => (await handleOf(failed).describe()).searchAttributes.FailedStep?.[0] === "a");

    const { body: retried } = await on.steer<WorkflowRun>(failed, "retry");
    expect(await on.ends(retried)).toMatchObject({ status: "completed" });
    expect(await typeOf(retried)).toBe(slug);
    await on.steer(failed, "retry", "a");
    expect(await on.ends(failed)).toMatchObject({ status: "completed" });
    expect(await typeOf(failed)).toBe(slug);
    expect((await handleOf(failed).describe()).searchAttributes.FailedStep).toBeUndefined();
  });

  test.each(["bulkOperation", "retentionSweep", "workflowRun", "constructor", "default", "__proto__", 'two "words" |'])(
    "a definition whose slug is %s has runs like any other",
    async (slug) => {
      const run = await on.start([{ step_ref: "a", calls: "/named-oddly" }], {}, { slug });
      expect(await on.ends(run)).toMatchObject({ status: "completed" });
      expect(await ends(run)).toMatchObject({ status: "completed", steps: { a: { status: "completed" } } });
    },
  );

  test("a wait without an end has a bar in the timeline, which costs two events; a quick run has none", async () => {
    const key = `paid:${randomUUID()}`;
    const paid = { ...event(key), event_timeout_secs: 0 };
    const run = await on.start([{ ...GATE, step_ref: "legal" }, paid]);
    await on.opens(run, "legal");
    await on.opens(run, "event");
    await on.sends(key);
    await on.steer(run, "approve", "legal");
    await ends(run);
    const { events } = await handleOf(run).fetchHistory();
    const bars = (events ?? []).flatMap((one) =>
      one.timerStartedEventAttributes ? [defaultPayloadConverter.fromPayload(one.userMetadata?.summary ?? {})] : [],
    );
    expect(bars.sort()).toEqual([`event: waits for event ${key}`, "legal: waits for ada"]);
    expect(events?.filter((one) => one.timerCanceledEventAttributes)).toHaveLength(2);
    expect(await replayHistory({ codePath: inject("bundlePath") }, { events })).toBeUndefined();

    const quick = await on.start([{ step_ref: "a", calls: "/quick-one" }]);
    await ends(quick);
    const history = await handleOf(quick).fetchHistory();
    expect(history.events?.filter((one) => one.timerStartedEventAttributes)).toEqual([]);
    expect(history.events?.filter((one) => one.upsertWorkflowSearchAttributesEventAttributes)).toHaveLength(1);
  });

  test("a failure names the step, and tells of each step how it ended", async () => {
    stack.jobs.on("/declined", () => ({ status: 422, body: "card declined" }));
    stack.jobs.on("/price", () => ({ body: { amount: 7 } }));
    const run = await on.start([
      { step_ref: "price", calls: "/price" },
      { step_ref: "charge", calls: "/declined", depends_on: ["price"] },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "endpoint returned 422: card declined" });
    const steps = {
      price: { status: "completed", output: { amount: 7 } },
      charge: { status: "failed", error: "endpoint returned 422: card declined" },
    };
    await expect(ends(run)).rejects.toMatchObject({
      cause: { message: "charge: endpoint returned 422: card declined", details: [{ status: "failed", steps }] },
    });
    expect((await handleOf(run).describe()).searchAttributes).toMatchObject({
      RunStatus: ["failed"],
      FailedStep: ["charge"],
    });
    expect(await detailsOf(run)).toMatch(/^- \*\*charge\*\*: failed at .* UTC: endpoint returned 422: card declined$/m);
  });

  test("a run shows the table of its steps as they are, and who approved what", async () => {
    const run = await on.start(RELEASE, {}, { name: "Release | train" });
    await on.opens(run, "gate");
    const before = await detailsOf(run);
    expect(before).toContain("**Release \\| train** v1 is **running**");
    expect(before).toMatch(/^\| build \| job \| completed \| 1 \| .* \|$/m);
    expect(before).toMatch(/^\| gate \| approval \| waiting \| 1 \| .* \| {2}\|$/m);

    await on.steer(run, "approve", "gate");
    await ends(run);
    const after = await detailsOf(run);
    expect(after).toContain("is **completed**");
    expect(after).toMatch(/^\| gate \| approval \| completed \| 1 \| .* \| approved by ada \|$/m);
  });

  test("a gate passed by shows who passed it by, and why; an event, who sent it", async () => {
    const run = await on.start([
      { step_ref: "gate", step_type: "approval", approval_approvers: ["grace"] },
      { step_ref: "paid", step_type: "wait_for_event", event_key: "paid:web-ui" },
    ]);
    await on.opens(run, "gate");
    await on.steer(run, "skip", "gate", { reason: "holiday" });
    await on.sends("paid:web-ui");
    await ends(run);
    expect(await detailsOf(run)).toMatch(/^\| gate .* \| overridden by ada: holiday \|$/m);
    expect(await detailsOf(run)).toMatch(/^\| paid .* \| event from ada \|$/m);
  });

  test("a run has no call stack, which is said where it is asked for", async () => {
    const run = await on.start(RELEASE);
    await on.opens(run, "gate");
    await expect(handleOf(run).query("__stack_trace")).rejects.toThrow("stack traces are not enabled");
    await on.steer(run, "approve", "gate");
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  });

  test("every activity and timer of a step is named by it", async () => {
    const nap = { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1 };
    // A job of its own, which no other call can have shown to be slow.
    const run = await on.start([...releaseBy("/named"), nap]);
    await on.opens(run, "gate");
    await on.steer(run, "approve", "gate");
    await ends(run);

    const { events } = await handleOf(run).fetchHistory();
    const summaries = (events ?? []).flatMap((event) => {
      const type = activityOf(event) ?? localActivityOf(event) ?? (event.timerStartedEventAttributes && "timer");
      const summary = event.userMetadata?.summary;
      return type && type !== "mirror" && type !== "recall"
        ? [`${type} ${summary ? defaultPayloadConverter.fromPayload(summary) : "without a name"}`]
        : [];
    });
    expect(summaries).toEqual(
      expect.arrayContaining(["playAhead build", "timer gate: waits for ada", "timer nap: sleeps"]),
    );
    // On a busy machine the call is not answered at once, and goes on.
    expect(summaries.filter((summary) => !/ (build|gate|nap)(:.*)?$/.test(summary))).toEqual([]);
  });

  test("a run closes as it ended, with its error", async () => {
    stack.jobs.on("/refused", () => ({ status: 422, body: "no" }));
    const failed = await on.start([{ step_ref: "a", calls: "/refused" }]);
    const canceled = await on.start(RELEASE);
    await on.opens(canceled, "gate");
    await on.cancel(canceled);

    await expect(ends(failed)).rejects.toMatchObject({
      cause: { message: "a: endpoint returned 422: no", type: "failed" },
    });
    await expect(ends(canceled)).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
    expect((await handleOf(canceled).describe()).status.name).toBe("CANCELLED");
  });
});
