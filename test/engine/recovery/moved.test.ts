import { describe, expect, test } from "vitest";
import { given, type Story, text } from "../given.ts";
import { approval, child, job, planWith, type Step, wait } from "../plans.ts";
import { takeUnmirrored } from "../../../workflows/engine/mirror/mirroring.ts";
import { placed } from "../../../workflows/engine/mirror/stored-run.ts";
import { stepRow } from "../../../workflows/engine/mirror/view.ts";
import type { NewVersion } from "../../../workflows/engine/plan.ts";
import { previewOf } from "../../../workflows/engine/preview.ts";

const versionOf = (steps: Step[], more: Partial<NewVersion> = {}): NewVersion => ({
  ...{ workflow_name: "release train", workflow_version: 2, workflow_version_id: "ver_2", ...more },
  steps: planWith(steps).steps.map((step) => ({ ...step, id: `${step.id.slice(0, -4)}9999` })),
});
const OLD = [job("a"), job("b", ["a"]), job("c", ["b"])];
/** "a" has completed, "b" has failed the run. */
const failed = () => given(OLD).completes("a", text(1)).fails("b");
const retry = (story: Story, steps: Step[], ref = "b", more: Partial<NewVersion> = {}) =>
  story.command("retry", ref, { in_version: versionOf(steps, more) });

describe("a step that is retried in another version of its workflow", () => {
  test("makes the run one of that version, with what is new in it", () => {
    const story = failed();
    const next = [
      job("n"),
      job("a"),
      job("b", ["a", "n"], { retry_max_attempts: 5 }),
      job("c", ["b"]),
      job("d", ["c"]),
    ];
    expect(retry(story, next, "b", { max_parallel_steps: 7 })).toMatchObject({ status: "applied", reset_steps: 2 });
    expect(story.row).toMatchObject({
      status: "running",
      workflow_version: 2,
      workflow_version_id: "ver_2",
      max_parallel_steps: 7,
    });
    expect(story.statuses).toEqual({ a: "completed", b: "pending", c: "waiting", n: "running", d: "waiting" });
    story.completes("n").completes("b").completes("c").completes("d");
    expect(story.row.status).toBe("completed");
    expect(story.step("b")).toMatchObject({ attempt: 2, deps_required: 2, deps_completed: 2 });
  });

  test("leaves each step its place, and so its ids; what is new comes last", () => {
    const story = failed();
    const before = story.run.plan.steps.map((_, i) => stepRow(story.run, i).id);
    const next = [job("n"), job("c", ["b"]), job("b", ["a"]), job("a")];
    takeUnmirrored(story.run);
    retry(story, next);
    const rows = story.run.plan.steps.map((_, i) => stepRow(story.run, i));
    expect(rows.map(({ step_ref }) => step_ref)).toEqual(["a", "b", "c", "n"]);
    expect(rows.slice(0, 3).map(({ id }) => id)).toEqual(before);
    expect(new Set(rows.map(({ workflow_step_id }) => workflow_step_id.slice(-4)))).toEqual(new Set(["9999"]));
    expect([...story.run.dirty.steps].sort()).toEqual([0, 1, 2, 3]);
    expect(placed(next, rows).map(({ step_ref }) => step_ref)).toEqual(["a", "b", "c", "n"]);
    expect(placed(OLD, rows.slice(1, 2))).toBe(OLD);
  });

  test("is refused where what the run keeps is not there as it was, and changes nothing", () => {
    const story = failed();
    const before = story.everything;
    const { status, code, message, details } = retry(story, [
      job("x"),
      job("a", ["x"]),
      job("b", ["a"]),
      job("c", ["b"]),
    ]);
    const fault = 'step "a" is completed, and has other dependencies';
    expect({ status, code, details }).toEqual({ status: "refused", code: "conflict", details: [fault] });
    expect(message).toBe(`workflow run cannot go on in version 2: ${fault}`);
    expect(story.everything.replace(/,"commands":.*/, "")).toBe(
      before
        .replace(/,"commands":.*/, "")
        .replace(/"revision":\d+/, (now) => now.replace(/\d+/, `${story.run.state.revision}`)),
    );
    expect(story.run.plan.run.workflow_version).toBe(1);
    expect(retry(story, OLD.slice(1)).details).toContain('step "a" is completed, and is not there');
  });

  test("may depend on others than before, be of another type, or run another sub-workflow", () => {
    const gated = failed();
    expect(retry(gated, [job("a"), approval("b", ["a"]), job("c", ["b"])]).status).toBe("applied");
    expect(gated.step("b")).toMatchObject({ status: "waiting" });
    gated.does("approve", "b");
    expect(gated.statuses.c).toBe("running");

    const parent = () => {
      const story = given([child("sub")]);
      story.news("sub", { type: "child_started" });
      const child_run_id = story.state("sub").child_run_id ?? "";
      return { story: story.happens({ type: "child_ended", child_run_id, status: "failed" }), child_run_id };
    };
    const same = parent();
    retry(same.story, [child("sub")], "sub");
    expect(same.story.state("sub").child_run_id).toBe(same.child_run_id);
    const other = parent();
    retry(other.story, [child("sub", [], { sub_workflow_id: "019571a0-0000-7000-8000-0000000000dd" })], "sub");
    expect(other.story.state("sub").child_run_id).not.toBe(other.child_run_id);
  });

  test("skips what is new after a step that ended badly and stays so", () => {
    const badly = { on_failure: "skip_dependents" as const };
    const story = given([job("bad", [], badly), job("b")])
      .fails("bad")
      .fails("b");
    retry(story, [job("bad", [], badly), job("b"), job("n", ["bad", "b"])]);
    expect(story.statuses).toEqual({ bad: "failed", b: "running", n: "skipped" });
  });

  test("in an open run: what is under way goes on by the new version, unless that makes it another type", () => {
    const open = () => {
      const story = given([job("a"), wait("w"), approval("g"), job("later", ["w"])]);
      return story.news("w", { type: "wait_opened", event_key: "key" }).completes("a");
    };
    const story = open();
    expect(retry(story, [job("a"), wait("w"), approval("g"), job("later")], "a").status).toBe("applied");
    expect(story.statuses).toEqual({ a: "running", w: "waiting", g: "waiting", later: "running" });
    expect(retry(open(), [job("a"), approval("w"), approval("g"), job("later", ["w"])], "a").details).toEqual([
      'step "w" is waiting, and is of type approval, not wait_for_event',
    ]);
    expect(
      retry(open(), [job("a"), wait("w"), approval("g", [], { approval_approvers: ["carl"] }), job("later")], "a")
        .details,
    ).toEqual(['step "g" is waiting, and has other approvers']);
  });

  test("is previewed as it is done", () => {
    const { run } = failed();
    const in_version = versionOf([job("a"), job("b", ["a"]), job("c", ["b"]), job("n")]);
    const preview = previewOf(run.plan, run.state, { verb: "retry", step_ref: "b", actor: "ada", in_version }, 0);
    if (preview.status === "refused") throw new Error("refused");
    expect(preview.steps.map(({ step_ref, actions }) => [step_ref, actions.join(" ")])).toEqual([
      ["a", "kept"],
      ["b", "reset started"],
      ["c", "reset"],
      ["n", "started"],
    ]);
    expect(run.plan.run.workflow_version).toBe(1);
  });
});

test("a subtree is replayed in another version, with what is after the step in that", () => {
  const story = given([job("a"), job("b", ["a"])])
    .completes("a")
    .completes("b");
  const in_version = versionOf([job("a"), job("b", ["a"]), job("n", ["b"])]);
  expect(story.command("replay-subtree", "a", { in_version })).toMatchObject({ status: "applied" });
  story.completes("a").completes("b").completes("n");
  expect(story.row).toMatchObject({ status: "completed", workflow_version: 2 });
});

test("what is open is not replayed as a step of another type: nobody could close it as what it is", () => {
  const story = given([approval("a")]).does("pause");
  const replay = (steps: Step[]) =>
    story.command("replay-subtree", "a", { in_version: versionOf(steps), may_override: true });
  expect(replay([wait("a")]).details).toEqual(['step "a" is waiting, and is of type wait_for_event, not approval']);
  expect(replay([approval("a", [], { approval_approvers: ["carl"] })]).status).toBe("applied");
});
