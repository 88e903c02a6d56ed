import { setImmediate } from "node:timers/promises";
import { v7 as uuid } from "uuid";
import pMap from "p-map";
import type { Pool } from "pg";
import { assertSupported } from "./assert-supported.ts";
import { newVersionId } from "./version-id.ts";
import { idempotent } from "../idempotent.ts";
import { saveTemplate } from "../save-template.ts";
import type { CreateWorkflowBody } from "../../contract/create-workflow.ts";
import { type Json, type JsonDoc, stringifyJson } from "../../contract/json.ts";
import type { StepInput } from "../../contract/steps.ts";
import { UNSUPPORTED, ofItsType } from "../../contract/without-effect.ts";
import type { Workflow, WorkflowPlan } from "../../contract/workflows.ts";
import { now } from "../../clock.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { isCron, isTimeZone } from "../../rules/cron.ts";
import { findJob } from "../../store/jobs.ts";
import { type Db, inTransaction } from "../../store/pool.ts";
import { isSlugTaken } from "../../store/slugs.ts";
import {
  findVersion,
  findWorkflow,
  insertWorkflow,
  type StoredStep,
  type StoredWorkflow,
} from "../../store/workflows.ts";
import { presentDefinedSteps, presentWorkflow } from "../../views/workflow.ts";
import { gatesIn } from "../../../workflows/engine/gates/may-pass.ts";
import { stepsProblem } from "../../../workflows/engine/validate.ts";

export async function createWorkflow(
  deps: Deps,
  caller: Caller,
  body: CreateWorkflowBody,
  idempotencyKey?: string,
): Promise<Workflow> {
  const { workflow, gates } = await checkedDefinition(deps, caller, body);
  const asked = { projectId: workflow.project_id, operation: "create workflow", body, idempotencyKey };
  const stored = await idempotent(deps, asked, findDefinition, (id) =>
    storeDefinition(deps.db, { ...workflow, id }, body.steps, gates).catch(async (error) => {
      // The same request may have been faster.
      const theirs = error instanceof Problem && (await findDefinition(deps.db, id));
      if (theirs) return theirs;
      throw error;
    }),
  );
  return { ...presentWorkflow(stored.workflow), steps: await presentDefinedSteps(deps, stored.steps) };
}

interface Definition {
  workflow: StoredWorkflow;
  steps: StoredStep[];
}

async function findDefinition(db: Db, id: string): Promise<Definition | undefined> {
  const workflow = await findWorkflow(db, id);
  return workflow && { workflow, steps: (await findVersion(db, workflow.version_id))?.steps ?? [] };
}

function storeDefinition(
  pool: Pool,
  workflow: StoredWorkflow,
  inputs: StepInput[],
  gates: GatesWithin,
): Promise<Definition> {
  const refs = new Set(inputs.map(({ step_ref }) => step_ref));
  return inTransaction(pool, async (db) => {
    const of = { projectId: workflow.project_id, runId: null };
    const save = (payload: Json) => saveTemplate(db, of, payload, (ref) => refs.has(ref));
    const steps = await pMap(inputs, (step) => storedStep(workflow, step, gates, save), { concurrency: 1 });
    if ((await insertWorkflow(db, { workflow, steps })) === "duplicate") throw slugTaken(workflow);
    return { workflow, steps };
  });
}

/** What would be stored. */
export async function previewWorkflow(deps: Deps, caller: Caller, body: CreateWorkflowBody): Promise<WorkflowPlan> {
  const { workflow: stored, gates } = await checkedDefinition(deps, caller, body);
  if (await isSlugTaken(deps.db, "workflows", stored)) throw slugTaken(stored);
  const keep = async (payload: Json) => ({ text: stringifyJson(payload) });
  const steps = await Promise.all(body.steps.map((step) => storedStep(stored, step, gates, keep)));
  const { id, version_id, created_at, updated_at, ...workflow } = presentWorkflow(stored);
  const shown = (await presentDefinedSteps(deps, steps)).map(({ id, workflow_id, created_at, ...step }) => step);
  return { dry_run: true, workflow: { ...workflow, steps: shown } };
}

async function checkedDefinition(deps: Deps, caller: Caller, body: CreateWorkflowBody) {
  const project_id = projectOf(caller, body.project_id);
  const workflow = definition(body, project_id, caller.actor);
  // A large definition takes a while to check, and has taken one to read: others are answered in between.
  await setImmediate();
  const problem = stepsProblem(body.steps, deps.config.maxSteps);
  if (problem) throw new Problem("validation_error", problem.message, problem.details);
  const gates = await assertReferences(deps.db, project_id, body.steps);
  return { workflow, gates };
}

const slugTaken = ({ slug }: StoredWorkflow) =>
  new Problem("conflict", `workflow with slug "${slug}" already exists`, ["slug: taken"]);

function definition(body: CreateWorkflowBody, project_id: string, actor: string): StoredWorkflow {
  const {
    name,
    slug,
    description,
    enabled,
    timeout_secs,
    max_concurrent_runs,
    max_parallel_steps,
    skip_if_running,
    version_policy,
  } = body;
  const { cron, cron_timezone } = body;
  if (cron && cron_timezone && !isTimeZone(cron_timezone)) throw invalid("cron_timezone", "invalid cron_timezone");
  if (cron && !isCron(cron)) throw invalid("cron", "invalid cron expression");
  assertSupported(body, UNSUPPORTED.workflow);
  const at = now();
  return {
    id: uuid(),
    project_id,
    name,
    slug,
    description,
    tags: body.tags ?? {},
    enabled,
    version: 1,
    timeout_secs,
    max_concurrent_runs,
    max_parallel_steps,
    cron,
    cron_timezone,
    skip_if_running,
    version_id: newVersionId(),
    version_policy,
    backwards_compatible: false,
    created_by: actor,
    updated_by: actor,
    created_at: at,
    updated_at: at,
  };
}

/**
 * Whatever a step calls exists, in the same project. A workflow being made has no id yet, so none of its steps can name it.
 * Answers the approvals within each sub-workflow, by its id.
 */
async function assertReferences(db: Db, projectId: string, steps: StepInput[]): Promise<GatesWithin> {
  const gates: GatesWithin = new Map();
  const named = new Set<string>();
  const first = [...steps.entries()].filter(([, { step_type, job_id, sub_workflow_id }]) => {
    const known = named.size;
    return named.add(`${step_type} ${step_type === "job" ? job_id : sub_workflow_id}`).size > known;
  });
  await pMap(
    first,
    async ([i, { step_type, step_ref, job_id = "", sub_workflow_id = "" }]) => {
      const [field, id, kind] =
        step_type === "job"
          ? (["job_id", job_id, "job"] as const)
          : (["sub_workflow_id", sub_workflow_id, "workflow"] as const);
      if (step_type !== "job" && step_type !== "sub_workflow") return;
      const workflow = kind === "workflow" ? await findWorkflow(db, id) : undefined;
      const found = workflow ?? (kind === "job" ? await findJob(db, id) : undefined);
      if (found?.project_id !== projectId) {
        const message = `step "${step_ref}" references unknown ${kind} "${id.slice(0, 200)}"`;
        throw new Problem("validation_error", message, [`steps[${i}].${field}: unknown ${kind}`]);
      }
      if (!workflow) return;
      const version = await findVersion(db, workflow.version_id);
      const within = version?.steps.flatMap(gatesIn) ?? [];
      if (within.length > 0) gates.set(id, within);
    },
    { concurrency: 8 },
  );
  return gates;
}

type GatesWithin = Map<string, string[][]>;

async function storedStep(
  workflow: StoredWorkflow,
  input: StepInput,
  gates: GatesWithin,
  keep: (payload: Json) => Promise<JsonDoc>,
): Promise<StoredStep> {
  const { payload, ...step } = ofItsType(input);
  const document = payload === undefined ? undefined : await keep(payload);
  // stepsProblem found nothing: every choice of the input is one that there is.
  const checked = step as Omit<StoredStep, "id" | "workflow_id" | "created_at" | "payload">;
  const gates_within = step.step_type === "sub_workflow" ? gates.get(step.sub_workflow_id ?? "") : undefined;
  const { id: workflow_id, created_at } = workflow;
  return { ...checked, id: uuid(), workflow_id, payload: document, created_at, gates_within };
}

const invalid = (field: string, message: string) => new Problem("validation_error", message, [`${field}: ${message}`]);
