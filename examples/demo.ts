import { setTimeout as sleep } from "node:timers/promises";
import { problemsOf } from "./demo-check.ts";
import { type DemoStack, startDemoStack } from "./demo-stack.ts";
import { startJobServer } from "./job-server.ts";
import { examples, loadExamples } from "./load.ts";
import { stepBoard } from "./step-board.ts";
import { ApiError, type Client, connect, type StepRun, type WorkflowRun } from "../client/index.ts";

/** Slow enough that the kill hits the middle of the tests. */
const PACE = 3;
/** Marks the calls of this run among those of the run that loading the examples leaves waiting. */
const VERSION = "3.0.0-demo";
const PATIENCE_MS = 60_000;

const board = stepBoard(process.stdout);
const interrupted = new AbortController();
const stops: (() => Promise<unknown>)[] = [];

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => interrupted.abort());
try {
  await play();
} catch (error) {
  board.say(interrupted.signal.aborted ? "Interrupted." : `The demo failed: ${(error as Error).message}`);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
} finally {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
}

async function play(): Promise<void> {
  board.say("Starting PostgreSQL, Temporal, the API, a worker and the example job server.");
  const stack = await startDemoStack(board.say, (stop) => stops.push(stop));
  const jobs = await startJobServer(0);
  stops.push(() => jobs.close());
  const manager = connect(stack.apiUrl, stack.tokenFor("release-manager"));
  await untilHealthy(stack);

  const loading = {
    apiUrl: stack.apiUrl,
    token: stack.tokenFor("demo"),
    jobsUrl: `http://127.0.0.1:${jobs.port}`,
    log: board.say,
  };
  const { workflows } = await loadExamples(loading);
  const releaseTrain = workflows.find(({ slug }) => slug === "release-train");
  const payload = { ...examples["release-train"].payload, version: VERSION, pace: PACE };
  const path = { workflowID: releaseTrain?.id ?? "" };
  const { id } = await manager.triggerWorkflow({ path, body: { payload } });
  board.say(`Triggered a release train: run ${id}.`);

  const inTheMiddle = (steps: StepRun[]) =>
    find(steps, "lint")?.status === "completed" && find(steps, "integration-tests")?.status === "running";
  const beforeKill = await watch(manager, id, "the middle of its tests", inTheMiddle);
  await stack.kill();
  board.say(`kill -9: ${stack.victims}, while tests are in flight. Starting what was killed again.`);
  await stack.startAgain();
  board.say(
    "All is back. Temporal notices the lost calls by their missing heartbeats; what was answered is not asked again.",
  );

  await watch(manager, id, "its approval", (steps) => find(steps, "approval")?.started_at !== undefined);
  board.say(`An intern approves, and is refused: ${await refusalOf(stack, id)}`);
  const approved = await manager.approveWorkflowRunStep({ path: gateOf(id) });
  if (!("approval" in approved)) throw new Error("no worker took the approval");
  board.say(`The release manager approves: ${approved.approval.status} by ${approved.approval.approved_by}.`);

  const steps = await watch(manager, id, "its end", (all) =>
    all.every((step) => !["pending", "waiting", "running"].includes(step.status)),
  );
  const run = await ended(manager, id);
  const calls = jobs.calls.filter((call) => call.body.version === VERSION);
  const problems = problemsOf({ run, steps, beforeKill, calls });
  if (problems.length > 0) throw new Error(`${problems.join("; ")}. Its logs are in ${stack.dataDir}.`);
  const repeated = calls.length - new Set(calls.map((call) => call.run_id)).size;
  board.say(`The run is ${run.status}: every step done once, every output in place, nothing lost to the kill.`);
  board.say(
    `${calls.length} calls reached the jobs; ${repeated} of them repeated one that was cut off by the kill, under the same X-Run-ID.`,
  );
}

async function untilHealthy({ apiUrl, dataDir }: DemoStack): Promise<void> {
  for (const giveUp = Date.now() + PATIENCE_MS; Date.now() < giveUp; await pause()) {
    const health = await fetch(`${apiUrl}/health`).catch(() => undefined);
    if (health?.ok) return;
  }
  throw new Error(`the API did not start. Its log is ${dataDir}/api.log.`);
}

/** Shows the steps until they are as asked, and returns them. A read that fails for want of a server is tried again. */
async function watch(
  client: Client,
  workflowRunID: string,
  what: string,
  reached: (steps: StepRun[]) => boolean,
): Promise<StepRun[]> {
  for (const giveUp = Date.now() + PATIENCE_MS; Date.now() < giveUp; await pause()) {
    const { data: steps } = await client.listWorkflowRunSteps({ path: { workflowRunID } }).catch((error) => {
      if (error instanceof ApiError && error.status < 500) throw error;
      return { data: [] };
    });
    if (steps.length > 0) board.show(steps);
    const failed = steps.find((step) => step.status === "failed");
    if (failed) throw new Error(`step ${failed.step_ref} failed: ${failed.error}`);
    if (steps.length > 0 && reached(steps)) return steps;
  }
  throw new Error(`the run did not get to ${what} within ${PATIENCE_MS / 1000} seconds`);
}

/** A run closes a moment after its last step. */
async function ended(client: Client, workflowRunID: string): Promise<WorkflowRun> {
  for (const giveUp = Date.now() + PATIENCE_MS; ; await pause()) {
    const run = await client.getWorkflowRun({ path: { workflowRunID } });
    if (run.finished_at !== undefined || Date.now() > giveUp) return run;
  }
}

async function refusalOf(stack: DemoStack, id: string): Promise<string> {
  const intern = connect(stack.apiUrl, stack.tokenFor("intern"));
  try {
    await intern.approveWorkflowRunStep({ path: gateOf(id) });
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return error.message;
    throw error;
  }
  throw new Error("an intern could approve the release");
}

function gateOf(workflowRunID: string) {
  return { workflowRunID, stepRef: "approval" };
}

function find(steps: StepRun[], ref: string): StepRun | undefined {
  return steps.find((step) => step.step_ref === ref);
}

function pause(): Promise<void> {
  return sleep(200, undefined, { signal: interrupted.signal });
}
