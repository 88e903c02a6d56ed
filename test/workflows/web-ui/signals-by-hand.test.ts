import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { replayHistory } from "../../../src/cli/replay-history.ts";
import { releaseBy, temporalOf } from "./temporal-of.ts";
import { until } from "../../stack/until.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const RELEASE = releaseBy("/build");
const { handleOf, detailsOf, ends } = temporalOf(() => stack);

describe.concurrent("`temporal workflow signal`", () => {
  const signal = (run: { id: string }, name: string, input: string) =>
    promisify(execFile)(inject("servers").temporalBinary, [
      ...["workflow", "signal", "--workflow-id", run.id, "--name", name, "--input", input],
      ...["--address", stack.config.temporalAddress, "--namespace", stack.config.temporalNamespace],
    ]);

  test("approves, written by hand as documented", async () => {
    const run = await on.start(RELEASE);
    await on.opens(run, "gate");
    await signal(run, "approve", '{"step_ref":"gate","actor":"ada"}');

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    await ends(run);
    expect(await detailsOf(run)).toContain("approved by ada");
  });

  test("is held to the same rules as the API, and harms nothing when it makes no sense", async () => {
    const run = await on.start(RELEASE);
    await on.opens(run, "gate");
    await signal(run, "approve", '{"step_ref":"gate","actor":"mallory"}');
    await signal(run, "approve", "17");
    await signal(run, "skip", '{"step_ref":["gate"],"reason":{"no":1}}');
    await signal(run, "force-complete", '{"step_ref":"nowhere","id":"by-hand"}');

    expect(await on.step(run, "gate")).toMatchObject({ status: "waiting" });
    await signal(run, "force-complete", '{"step_ref":"gate","actor":"ops","result":{"by":"hand"}}');
    expect(await on.step(run, "gate")).toMatchObject({ status: "waiting" });
    await signal(run, "force-complete", '{"step_ref":"gate","actor":"ops","may_override":true,"result":{"by":"hand"}}');
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.step(run, "gate")).toMatchObject({ output: { by: "hand" } });
  });

  test("with a version that is none leaves the run able to hear", async () => {
    const run = await on.start(RELEASE);
    await on.opens(run, "gate");
    const version = { workflow_name: "w", workflow_version: 2, workflow_version_id: "ver_2" };
    for (const in_version of [
      { steps: [] },
      { ...version, steps: [null] },
      { ...version, steps: [{ step_ref: "gate" }] },
    ])
      await signal(run, "skip", JSON.stringify({ step_ref: "gate", actor: "mallory", in_version }));
    await signal(run, "approve", '{"step_ref":"gate","actor":"ada"}');
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  });

  test("typed wrong is told at the top of the run's details, the latest first", async () => {
    const run = await on.start(RELEASE);
    await on.opens(run, "gate");
    await signal(run, "approve", '{"step_ref":"review","actor":"ada"}');
    await signal(run, "approve", '{"step_ref":"gate","actor":"mal*lory"}');
    await signal(run, "aprove", '{"step_ref":"gate","actor":"ada"}');
    const details = await detailsOf(run);
    const [title, , open, , refused, ...lines] = details.split("\n");
    expect([title, open, refused]).toEqual([
      expect.stringContaining("is **running**"),
      expect.stringMatching(/^- \*\*gate\*\*: waits for ada since .* UTC, until .* UTC$/),
      "**Refused lately**",
    ]);
    expect(lines.slice(0, 3)).toEqual([
      expect.stringMatching(/^- 20\S+Z aprove by temporal: there is no signal "aprove": .* pause, resume, approve,/),
      expect.stringMatching(
        /^- 20\S+Z approve of gate by mal\\\*lory: approver mal\\\*lory is not allowed for step gate; approvers: ada$/,
      ),
      expect.stringMatching(
        /^- 20\S+Z approve of review by ada: workflow step run not found; step\\_ref: the run has no step "review"$/,
      ),
    ]);
    expect(details).toMatch(/^\| gate \| approval \| waiting/m);

    await signal(run, "approve", '{"step_ref":"gate","actor":"ada"}');
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
  });

  test("with a field that is none, or a value of another type, is refused, and names it", async () => {
    const run = await on.start(RELEASE);
    await on.opens(run, "gate");
    for (const [name, input] of [
      ["reject", '{"step_ref":"gate","actor":"ada","reson":"too late"}'],
      ["force-complete", '{"step_ref":"gate","actor":"ada","result":1,"reason":["late"]}'],
      ["pause", '"now"'],
    ] as const)
      await signal(run, name, input);
    expect((await detailsOf(run)).split("\n").filter((line) => line.startsWith("- 20"))).toEqual([
      expect.stringMatching(/^- 20\S+Z pause by temporal: the input must be an object$/),
      expect.stringMatching(/^- 20\S+Z force-complete of gate by ada: reason: has the wrong type$/),
      expect.stringMatching(/^- 20\S+Z reject of gate by ada: reson: unknown field$/),
    ]);
    expect(await on.run(run)).toMatchObject({ status: "running" });
    expect(await on.step(run, "gate")).toMatchObject({ status: "waiting" });
    // As an API of a later version may send it.
    await signal(run, "pause", '{"id":"of-an-api","actor":"ada","field_to_come":1}');
    await until(async () => (await on.run(run)).status === "paused");
    await signal(run, "reject", '{"step_ref":"gate","actor":"ada","reason":null}');
    expect(await on.ends(run)).toMatchObject({ status: "failed" });
  });

  test("to a bulk operation that is none is told there, too", async () => {
    const run = await on.start(RELEASE);
    const draft = { project_id: "demo", operation: "pause", ids: [run.id, run.workflow_id], max_per_second: 1 };
    const { body } = await stack.request<{ id: string }>("POST", "/v1/bulk-operations", draft);
    await signal(body, "abrot", "{}");
    await signal(body, "resume", '{"actor":"ada"}');
    const [title, ...told] = (await detailsOf(body)).split("\n");
    expect(title).toBe("**Refused lately**");
    expect(told.slice(0, 2)).toEqual([
      expect.stringMatching(/^- 20\S+Z resume by ada: bulk operation /),
      expect.stringMatching(/^- 20\S+Z abrot by temporal: there is no signal "abrot": .* pause, resume, abort$/),
    ]);
  });

  test("to a bulk operation with what says nothing changes nothing, and is told there", async () => {
    const run = await on.start(RELEASE);
    const draft = { project_id: "demo", operation: "pause", ids: [run.id], max_per_second: 1 };
    const { body } = await stack.request<{ id: string }>("POST", "/v1/bulk-operations", draft);
    await signal(body, "abort", '{"reson":"late"}');
    await signal(body, "abort", '{"reason":7}');
    const told = (await detailsOf(body)).split("\n").filter((line) => line.startsWith("- 20"));
    expect(told).toEqual([
      expect.stringMatching(/Z abort by temporal: reason: has the wrong type$/),
      expect.stringMatching(/Z abort by temporal: reson: unknown field$/),
    ]);
    const path = `/v1/bulk-operations/${body.id}`;
    const done = await until(async () => {
      const now = (await stack.request<{ status: string }>("GET", path)).body.status;
      return now !== "running" && now;
    });
    expect(done).toBe("completed");
    expect(
      await replayHistory({ codePath: inject("bundlePath") }, await handleOf(body).fetchHistory()),
    ).toBeUndefined();
  });

  test("that is no signal of ours harms nothing, whatever its name and however many", async () => {
    const run = await on.start(RELEASE);
    await on.opens(run, "gate");
    const names = ["cancel", "**|`<b>", "x".repeat(500), "__proto__", "stop", "terminate", "Approve"];
    for (const name of names) await handleOf(run).signal(name, "anything");
    const details = await detailsOf(run);
    const told = details.split("\n").filter((line) => line.startsWith("- 20"));
    expect(told).toHaveLength(5);
    expect(told[0]).toContain("Approve by temporal");
    expect(details).not.toContain("x".repeat(200));
    await on.steer(run, "approve", "gate");
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.statuses(run)).toEqual({ build: "completed", gate: "completed" });
    await ends(run);
    const history = await handleOf(run).fetchHistory();
    expect(await replayHistory({ codePath: inject("bundlePath") }, history)).toBeUndefined();
  });
});
