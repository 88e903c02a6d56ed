import { describe, expect, test } from "vitest";
import { newsOf } from "../../workflows/web-ui/news.ts";
import { takeUnmirrored } from "../../workflows/engine/mirror/mirroring.ts";
import { barOf, timerSummary } from "../../workflows/web-ui/bar.ts";
import { failedStepOf } from "../../workflows/web-ui/failed-step.ts";
import { resultOf } from "../../workflows/web-ui/result.ts";
import { detailsOf } from "../../workflows/web-ui/run-details.ts";
import {
  changedAttributes,
  firstAttributes,
  listedOf,
  SEARCH_ATTRIBUTES,
} from "../../workflows/web-ui/search-attributes.ts";
import { standingOf } from "../../workflows/web-ui/standing.ts";
import { given, type Story, text } from "../engine/given.ts";
import { approval, child, job, sleep, wait } from "../engine/plans.ts";

const detailsIn = ({ run }: Story) => detailsOf(run, standingOf(run));
const linesIn = (story: Story) =>
  detailsIn(story)
    .split("\n")
    .filter((line) => line.startsWith("- "));
const listedIn = ({ run }: Story) => listedOf(run, standingOf(run));
const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe("what is open or has failed is told first", () => {
  test("who decides a gate, since when, how far they are, and until when", () => {
    const story = given([
      approval("gate", [], {
        approval_approvers: ["ada", "group:finance"],
        approvals_required: 2,
        approval_timeout_secs: 86_400,
      }),
    ]).does("approve", "gate", { actor: "ada" });
    const [title, , line, , table] = detailsIn(story).split("\n");
    expect(title).toBe("**release train** v1 is **running**");
    expect(line).toBe(
      "- **gate**: waits for ada, group:finance since Mon 2026-03-02 10:00:00 UTC, 1 of 2 approved, until Tue 2026-03-03 10:00:00 UTC",
    );
    expect(table).toBe("| step | type | status | attempt | since | note |");
  });

  test("events, sleeps, failures with their reason, attempts to come, and what runs", () => {
    const story = given([
      job("build"),
      job("charge", [], { retry_max_attempts: 3 }),
      job("lint", [], { on_failure: "continue" }),
      child("ship"),
      wait("paid", [], { event_timeout_secs: 0 }),
      sleep("nap"),
      approval("gate"),
    ]);
    story.news("paid", { type: "wait_opened", event_key: "paid:*7*" });
    story.fails("lint", { error: "endpoint returned 422: no" }).fails("charge", { class: "server", error: "503" });
    expect(linesIn(story)).toEqual([
      "- **paid**: waits for event paid:\\*7\\* since Mon 2026-03-02 10:00:00 UTC",
      "- **nap**: sleeps since Mon 2026-03-02 10:00:00 UTC, until Mon 2026-03-02 10:01:00 UTC",
      "- **gate**: waits for ada, bob since Mon 2026-03-02 10:00:00 UTC",
      "- **lint**: failed at Mon 2026-03-02 10:00:00 UTC: endpoint returned 422: no",
      expect.stringMatching(/^- \*\*charge\*\*: retry 2 of 3 at 2026-03-02T10:00:\S+Z, after 503$/),
      "- **build**: runs since Mon 2026-03-02 10:00:00 UTC",
      expect.stringMatching(/^- \*\*ship\*\*: runs sub-workflow \S* ?since Mon 2026-03-02 10:00:00 UTC$/),
    ]);
  });

  test("of more than a hundred steps as well, where there is no table", () => {
    const many = Array.from({ length: 150 }, (_, i) => job(`step-${i}`, [], { on_failure: "continue" }));
    const story = given([approval("gate"), ...many])
      .completes("step-3")
      .fails("step-4");
    expect(linesIn(story)).toEqual([
      "- **gate**: waits for ada, bob since Mon 2026-03-02 10:00:00 UTC",
      "- **step-4**: failed at Mon 2026-03-02 10:00:00 UTC: boom",
    ]);
    expect(detailsIn(story)).toContain("151 steps, 149 not finished");
    for (let i = 5; i < 100; i++) story.fails(`step-${i}`);
    expect(linesIn(story)).toHaveLength(21);
    expect(linesIn(story).at(-1)).toBe("- and 77 more");
  });

  test("why the run has ended, once", () => {
    const failed = given([job("charge"), approval("gate")]).fails("charge", { error: "no" });
    expect(detailsIn(failed)).toMatch(
      /^\*\*release train\*\* v1 is \*\*failed\*\*\n\n- \*\*charge\*\*: failed at .*: no\n\n/,
    );
    const late = given([approval("gate")], { timeout_secs: 60 }).later(61);
    expect(detailsIn(late)).toMatch(/^\*\*release train\*\* v1 is \*\*timed_out\*\*: workflow timed out\n/);
  });

  test("who has paused the run, and why, if they said so", () => {
    const story = given([approval("gate")]).does("pause");
    expect(detailsIn(story)).toMatch(/^\*\*release train\*\* v1 is \*\*paused\*\* by ada\n/);
    story.does("resume").does("pause", undefined, { reason: "the *bank*\nis down" });
    expect(detailsIn(story)).toMatch(/^\*\*release train\*\* v1 is \*\*paused\*\* by ada: the \\\*bank\\\* is down\n/);
    expect(detailsIn(story.does("resume"))).toMatch(/^\*\*release train\*\* v1 is \*\*running\*\*\n/);
  });
});

describe("a wait has a timer that says what for", () => {
  const story = given([
    approval("gate"),
    approval("timely", [], { approval_timeout_secs: 60 }),
    wait("paid", [], { event_timeout_secs: 0 }),
    sleep("nap"),
    job("a"),
  ]);
  const bars = ({ run }: Story) =>
    run.plan.steps.flatMap(({ step_ref }, i) => (barOf(run, i).length > 0 ? [step_ref] : []));

  test("of its own where it has an end, else one without effect; of an event once its key is known", () => {
    expect(bars(story)).toEqual(["gate"]);
    story.news("paid", { type: "wait_opened", event_key: "paid:7" });
    expect(bars(story)).toEqual(["gate", "paid"]);
    const { run } = story;
    expect(["gate", "timely", "paid", "nap"].map((ref) => timerSummary(run, story.index(ref)))).toEqual([
      "gate: waits for ada, bob",
      "timely: waits for ada, bob",
      "paid: waits for event paid:7",
      "nap: sleeps",
    ]);
    expect(bars(given([approval("gate")]).does("approve", "gate"))).toEqual([]);
  });

  test("but in no history of older rules, which lacks it", () => {
    expect(bars(given([approval("gate")], { rules: 1 }))).toEqual([]);
    expect(listedIn(given([approval("gate")], { rules: 1 }))).toEqual({ status: "running", waitingOn: [] });
  });

  test("and the server takes the longest that it could say", () => {
    const { run } = given([approval("€".repeat(300), [], { approval_approvers: ["€".repeat(255)] })]);
    expect(bytes(timerSummary(run, 0))).toBeLessThanOrEqual(400);
  });
});

describe("a failed run says the step", () => {
  test("that it failed by, and not one that it went on after", () => {
    const story = given([job("lint", [], { on_failure: "continue" }), job("charge")]);
    story.fails("lint", { error: "no" });
    expect(failedStepOf(story.run, standingOf(story.run).failed)).toEqual({ step_ref: "lint", error: "no" });
    story.later(1).fails("charge", { error: "no" });
    expect(failedStepOf(story.run, standingOf(story.run).failed)).toEqual({ step_ref: "charge", error: "no" });
    expect(failedStepOf(given([job("a")]).run, [])).toBeUndefined();
  });

  test("and its result the status of each, and what came of it where that is small and loses no digits", () => {
    const story = given([job("a"), job("b"), job("c"), job("d", [], { on_failure: "continue" })]);
    story.completes("a", text({ n: 1 })).completes("b", { text: "12345678901234567890" });
    story.completes("c", { text: JSON.stringify("x".repeat(5_000)) }).fails("d");
    expect(resultOf(story.run)).toEqual({
      status: "completed",
      steps: {
        a: { status: "completed", output: { n: 1 } },
        b: { status: "completed", output: "12345678901234567890" },
        c: { status: "completed" },
        d: { status: "failed", error: "boom" },
      },
    });
  });

  test("of very many steps, those that failed", () => {
    const many = Array.from({ length: 500 }, (_, i) => job(`step-${i}`, [], { on_failure: "continue" }));
    const story = given(many).fails("step-7").completes("step-8");
    expect(resultOf(story.run).steps).toEqual({ "step-7": { status: "failed", error: "boom" } });
  });

  test("an output by hand that is no JSON is shown as it is", () => {
    const story = given([approval("gate")]).does("approve", "gate", { result: { text: "{no" } });
    expect(resultOf(story.run).steps.gate?.output).toBe("{no");
  });
});

describe("the search attributes of a run", () => {
  test("fit into a visibility store in SQL", () => {
    expect(SEARCH_ATTRIBUTES.filter(({ type }) => type === "KEYWORD").length).toBeLessThanOrEqual(10);
    expect(SEARCH_ATTRIBUTES.filter(({ type }) => type === "KEYWORD_LIST").length).toBeLessThanOrEqual(3);
    const { run } = given(
      Array.from({ length: 40 }, (_, i) => approval(`${"€".repeat(200)}${i}`)),
      { created_by: `${"x".repeat(254)}😀` },
    );
    const { waitingOn } = listedOf(run, standingOf(run));
    expect(waitingOn.length).toBeGreaterThan(0);
    expect(bytes(waitingOn)).toBeLessThan(2048);
    for (const { value } of firstAttributes(run.plan.run, "s")) {
      expect([...(value as string)].length).toBeLessThanOrEqual(255);
      // Postgres takes no half characters.
      expect(Buffer.from(value as string).toString()).toBe(value);
    }
  });

  test("are sent where they have changed, all at once", () => {
    const story = given([approval("gate"), approval("later", ["gate"]), job("a", [], { on_failure: "continue" })]);
    const before = listedIn(story);
    expect(before).toEqual({ status: "running", waitingOn: ["gate"] });
    expect(changedAttributes(before, listedIn(story.does("comment", "gate", { comment: "hm" })))).toEqual([]);
    story.fails("a").does("approve", "gate");
    expect(changedAttributes(before, listedIn(story)).map(({ key, value }) => [key.name, value])).toEqual([
      ["WaitingOn", ["later"]],
      ["FailedStep", "a"],
    ]);
    const waiting = listedIn(story);
    story.does("approve", "later");
    expect(changedAttributes(waiting, listedIn(story)).map(({ key, value }) => [key.name, value])).toEqual([
      ["RunStatus", "completed"],
      ["WaitingOn", null],
    ]);
  });
});

test("a write of the mirror is named by what it tells", () => {
  const story = given([job("a"), job("b", ["a"]), job("c")]);
  takeUnmirrored(story.run);
  story.completes("a").fails("c");
  expect(newsOf(takeUnmirrored(story.run))).toBe("a completed, b canceled, c failed");
  const many = given(Array.from({ length: 500 }, (_, i) => job(`step-${i}`)));
  expect(newsOf(takeUnmirrored(many.run)).length).toBeLessThanOrEqual(120);
});
