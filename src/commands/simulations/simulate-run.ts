import { played } from "./played.ts";
import { storedDocuments } from "./stored-documents.ts";
import { headerIn } from "../runs/other-version.ts";
import type { RunSimulation, SimulateRunBody } from "../../contract/simulation/simulations.ts";
import type { VersionPolicy } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { divergenceFrom } from "../../simulation/divergence.ts";
import { givenOutcomes } from "../../simulation/given-outcome.ts";
import type { Outcome } from "../../simulation/outcome.ts";
import { Payloads } from "../../simulation/payloads.ts";
import { keptSteps, recordedDurations, recordedOutcomes } from "../../simulation/recorded-outcomes.ts";
import { Simulation } from "../../simulation/simulation.ts";
import { World } from "../../simulation/world.ts";
import { versionUnder } from "../../store/definitions/version-policy.ts";
import { findJobs } from "../../store/jobs.ts";
import { listRunAttempts } from "../../store/step-attempts.ts";
import { planSteps } from "../../store/workflow-versions.ts";
import { findWorkflow } from "../../store/workflows.ts";
import { presentSimulation } from "../../views/simulation.ts";
import { enabledSteps, isRunOfJob, type Plan, planOf } from "../../../workflows/engine/plan.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { initialRun, type Run } from "../../../workflows/engine/run.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/** How a closed run would have gone, had some of its steps ended otherwise, or had it been of another version. */
export async function simulateRun(
  deps: Deps,
  caller: Caller,
  runId: string,
  { version, outcomes = {} }: SimulateRunBody,
): Promise<RunSimulation> {
  const { db } = deps;
  const row = await findOwnRun(deps, caller, runId);
  if (!isRunOver(row.status)) throw new Problem("invalid_state", "can only simulate a workflow run in terminal state");
  const done = await mirroredRun(deps, row);
  const plan = await planUnder(deps, row, done, version);
  const { steps } = plan;
  const texts = [
    ...[row.payload, ...Object.values(row.step_payloads ?? {})],
    ...[...done.plan.steps, ...steps].map(({ payload }) => payload),
    ...done.state.steps.map(({ output }) => output),
  ];
  const [documents, jobs, attempts] = await Promise.all([
    storedDocuments(db, texts),
    findJobs(
      db,
      steps.flatMap(({ job_id }) => job_id ?? []),
    ),
    listRunAttempts(db, row.id),
  ]);
  const recorded = sameTyped(recordedOutcomes(done, attempts, new Payloads(documents)), done.plan, plan);
  const given = givenOutcomes(outcomes, steps, documents, recordedDurations(recorded));
  const world = new World(documents, jobs, new Map([...recorded, ...given]));
  const kept = keptSteps(done).filter(({ step_ref }) => plan.index.has(step_ref) && !given.has(step_ref));
  const simulation = await played(new Simulation(initialRun(plan, kept), world, row.status === "timed_out"));
  const { run } = plan;
  return {
    workflow_run_id: row.id,
    workflow_id: row.workflow_id,
    version: run.workflow_version,
    version_id: run.workflow_version_id,
    ...presentSimulation(simulation),
    diverges_at: divergenceFrom(done, simulation),
  };
}

/** The run's plan from its beginning on, in the version that the policy leads to. */
async function planUnder({ db }: Deps, row: RunRow, { plan }: Run, policy: VersionPolicy = "pin"): Promise<Plan> {
  // A sub-workflow had no longer than its parent.
  const run = { ...plan.run, expires_no_later_than: row.parent_workflow_run_id ? row.expires_at : undefined };
  if (policy === "pin" || isRunOfJob(plan)) return { ...plan, run };
  const workflow = await findWorkflow(db, row.workflow_id);
  const version = workflow && (await versionUnder(db, policy, workflow, row.workflow_version_id));
  if (!version) throw new Problem("not_found", "workflow not found");
  const { timeout_secs } = version;
  return planOf({ ...headerIn(run, version), timeout_secs }, enabledSteps(planSteps(version), row.step_overrides));
}

/** What is known of a step says nothing of one of another type. */
function sameTyped(recorded: Map<string, Outcome>, was: Plan, is: Plan): Map<string, Outcome> {
  const typeIn = ({ steps, index }: Plan, ref: string) => steps[index.get(ref) ?? -1]?.step_type;
  return new Map([...recorded].filter(([ref]) => typeIn(was, ref) === typeIn(is, ref)));
}
