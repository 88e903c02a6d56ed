import { describe, expect, test } from "vitest";
import { type Played, problemsOf } from "../../examples/demo-check.ts";
import type { Call } from "../../examples/job-server.ts";
import type { StepRun, WorkflowRun } from "../../client/index.ts";

const ANSWERS: Record<string, object> = {
  build: { image: "shop:1" },
  "unit-tests": { passed: 1 },
  "integration-tests": { passed: 2 },
  lint: { warnings: 0 },
  deploy: { url: "u" },
  "smoke-test": { healthy: true },
};

const step = (step_ref: string, over: Partial<StepRun> = {}) =>
  ({
    step_ref,
    status: "completed",
    job_run_id: `run-${step_ref}`,
    output: structuredClone(ANSWERS[step_ref]),
    ...over,
  }) as StepRun;
const call = (ref: string, body: Call["body"]): Call => ({
  endpoint: `/release/${ref}`,
  run_id: `run-${ref}`,
  attempt: 1,
  body,
  answer: ANSWERS[ref],
});

/** A demo in which all went well; its unit tests were in flight at the kill. */
function played(): Played {
  const afterBuild = { parent_outputs: { build: ANSWERS.build } };
  return {
    run: { status: "completed" } as WorkflowRun,
    steps: [...Object.keys(ANSWERS).map((ref) => step(ref)), step("approval"), step("rollback", { status: "skipped" })],
    beforeKill: [step("build"), step("lint"), step("unit-tests", { status: "running" })],
    calls: [
      call("build", {}),
      ...["unit-tests", "integration-tests", "lint"].map((ref) => call(ref, afterBuild)),
      call("deploy", { ...afterBuild, image: "shop:1" }),
      call("smoke-test", { parent_outputs: { deploy: ANSWERS.deploy } }),
    ],
  };
}
const stepOf = (demo: Played, ref: string) => demo.steps.find((s) => s.step_ref === ref) as StepRun;
const callOf = (demo: Played, ref: string) => demo.calls.find((c) => c.endpoint === `/release/${ref}`) as Call;

test("a demo in which nothing was lost has no problem, also if a call that was cut off was made again", () => {
  const demo = played();
  expect(problemsOf(demo)).toEqual([]);
  demo.calls.push(call("unit-tests", callOf(demo, "unit-tests").body));
  expect(problemsOf(demo)).toEqual([]);
});

describe("a demo fails that", () => {
  test.each<[string, (demo: Played) => unknown, string]>([
    ["lost the run", (d) => (d.run.status = "failed"), "the run ended failed"],
    ["lost a step", (d) => d.steps.splice(2, 1), "the run's steps are not those of its workflow"],
    ["lost the approval", (d) => (stepOf(d, "approval").status = "waiting"), "approval is waiting, not completed"],
    ["lost an output", (d) => delete stepOf(d, "lint").output, "lint has not the output that its endpoint answered"],
    ["never called an endpoint", (d) => d.calls.splice(3, 1), "lint was called 0 times"],
    ["repeated a call whose answer was recorded", (d) => d.calls.push(callOf(d, "build")), "build was called 2 times"],
    [
      "made a second job run",
      (d) => (callOf(d, "deploy").run_id = "other"),
      "deploy was called under more than one X-Run-ID",
    ],
    [
      "withheld a parent's output",
      (d) => (callOf(d, "smoke-test").body.parent_outputs = {}),
      "smoke-test was not given the outputs",
    ],
    [
      "deployed something else",
      (d) => (callOf(d, "deploy").body.image = "{{x}}"),
      "{{x}} was deployed, not the image shop:1",
    ],
    ["rolled back", (d) => d.calls.push(call("rollback", {})), "rollback was called, which must never happen"],
    [
      "did a complete step again",
      (d) => (stepOf(d, "build").attempt = 2),
      "build was complete before the kill and changed after it",
    ],
  ])("%s", (_, spoil, problem) => {
    const demo = played();
    spoil(demo);
    expect(problemsOf(demo).join("; ")).toContain(problem);
  });
});
