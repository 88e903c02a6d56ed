import { isDeepStrictEqual } from "node:util";
import type { Call } from "./job-server.ts";
import type { StepRun, StepStatus, WorkflowRun } from "../client/index.ts";

/** How every step of a release train ends that was approved and whose smoke test went well. */
const EXPECTED: Record<string, StepStatus> = {
  build: "completed",
  "unit-tests": "completed",
  "integration-tests": "completed",
  lint: "completed",
  approval: "completed",
  deploy: "completed",
  "smoke-test": "completed",
  rollback: "skipped",
};
const PARENTS: Record<string, string[]> = {
  "unit-tests": ["build"],
  "integration-tests": ["build"],
  lint: ["build"],
  deploy: ["build"],
  "smoke-test": ["deploy"],
};

export interface Played {
  run: WorkflowRun;
  steps: StepRun[];
  /** The steps as the API showed them just before the kill. */
  beforeKill: StepRun[];
  /** Every call that reached the job server for this run. */
  calls: Call[];
}

/** Everything that a lost step, signal or output, or a repeated call, would show up in. Empty: all is well. */
export function problemsOf({ run, steps, beforeKill, calls }: Played): string[] {
  const problems: string[] = [];
  const expect = (holds: boolean, otherwise: string) => holds || problems.push(otherwise);
  const stepOf = new Map(steps.map((step) => [step.step_ref, step]));

  expect(run.status === "completed", `the run ended ${run.status}: ${run.error ?? "without an error"}`);
  expect(
    isDeepStrictEqual(steps.map((s) => s.step_ref).sort(), Object.keys(EXPECTED).sort()),
    "the run's steps are not those of its workflow",
  );

  for (const [ref, status] of Object.entries(EXPECTED)) {
    const step = stepOf.get(ref);
    expect(step?.status === status, `${ref} is ${step?.status}, not ${status}`);
    const own = calls.filter((call) => call.endpoint === `/release/${ref}`);
    if (status !== "completed" || ref === "approval") {
      expect(own.length === 0, `${ref} was called, which must never happen`);
      continue;
    }
    const last = own.at(-1);
    expect(isDeepStrictEqual(step?.output, last?.answer), `${ref} has not the output that its endpoint answered`);
    expect(
      own.every((call) => call.run_id === step?.job_run_id),
      `${ref} was called under more than one X-Run-ID`,
    );
    const inFlight = beforeKill.find((before) => before.step_ref === ref)?.status === "running";
    expect(own.length === 1 || (inFlight && own.length === 2), `${ref} was called ${own.length} times`);

    const parents = (PARENTS[ref] ?? []).map((parent) => [parent, stepOf.get(parent)?.output]);
    expect(
      isDeepStrictEqual(last?.body.parent_outputs ?? {}, Object.fromEntries(parents)),
      `${ref} was not given the outputs of the steps that it depends on`,
    );
  }

  const image = (stepOf.get("build")?.output as { image?: string } | undefined)?.image;
  const deployed = calls.find((call) => call.endpoint === "/release/deploy")?.body.image;
  expect(image !== undefined && image === deployed, `${deployed} was deployed, not the image ${image} that was built`);

  for (const before of beforeKill.filter((step) => step.status === "completed")) {
    expect(
      isDeepStrictEqual(before, stepOf.get(before.step_ref)),
      `${before.step_ref} was complete before the kill and changed after it`,
    );
  }
  return problems;
}
