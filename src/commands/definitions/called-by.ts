import pMap from "p-map";
import type { StepInput } from "../../contract/steps.ts";
import { Problem } from "../../errors.ts";
import { findJob, findJobBySlug } from "../../store/jobs.ts";
import type { Db } from "../../store/postgres/pool.ts";
import { findVersion, planSteps, type StoredStep } from "../../store/workflow-versions.ts";
import { findWorkflow, findWorkflowBySlug } from "../../store/workflows.ts";
import { gatesWithin } from "../../../workflows/engine/gates/may-turn-out.ts";

/** What a stored step knows of the job or the workflow that it calls. */
export type Called = Pick<StoredStep, "job_id" | "sub_workflow_id" | "sub_workflow_version_id" | "gates_within">;

/** Whose steps they are. A workflow that is being made has no id yet, so none of its steps can name it. */
export interface Owner {
  project_id: string;
  id?: string;
}

interface Named {
  kind: "job" | "workflow";
  id?: string;
  slug?: string;
}

/** Of each step what it calls, by its id or by its slug: it exists, and in the same project. */
export async function calledBy(db: Db, owner: Owner, steps: StepInput[]): Promise<Called[]> {
  const names = steps.map(nameOf);
  const first = new Map<string, number>();
  for (const [i, name] of names.entries()) if (name && !first.has(keyOf(name))) first.set(keyOf(name), i);
  const find = async ([key, i]: [string, number]) => {
    const called = await findCalled(db, owner, names[i] as Named);
    if (!("message" in called)) return [key, called] as const;
    const { field, message, detail } = called;
    const error = `step "${steps[i]?.step_ref}" ${message}`;
    throw new Problem("validation_error", error, [`steps[${i}].${field}: ${detail}`]);
  };
  const called = new Map(await pMap(first, find, { concurrency: 8 }));
  return names.map((name) => (name && called.get(keyOf(name))) ?? {});
}

function nameOf({ step_type, job_id, job, sub_workflow_id, workflow }: StepInput): Named | undefined {
  if (step_type === "job") return { kind: "job", id: job_id, slug: job };
  return step_type === "sub_workflow" ? { kind: "workflow", id: sub_workflow_id, slug: workflow } : undefined;
}

const keyOf = ({ kind, id = "", slug = "" }: Named): string => JSON.stringify([kind, id, slug]);

interface Complaint {
  field: string;
  message: string;
  detail: string;
}

async function findCalled(db: Db, owner: Owner, { kind, id = "", slug = "" }: Named): Promise<Called | Complaint> {
  const { project_id } = owner;
  const workflow = kind === "workflow" ? await findSubWorkflow(db, project_id, id, slug) : undefined;
  const found = kind === "job" ? await (id ? findJob(db, id) : findJobBySlug(db, project_id, slug)) : workflow;
  const idField = kind === "job" ? "job_id" : "sub_workflow_id";
  const field = id ? idField : kind;
  if (found?.project_id !== project_id) {
    const message = `references unknown ${kind} "${(id || slug).slice(0, 200)}"`;
    return { field, message, detail: `unknown ${kind}` };
  }
  if (id && slug && found.slug !== slug) {
    const message = `has a ${idField} that is not the ${kind} "${slug.slice(0, 200)}"`;
    return { field: kind, message, detail: `contradicts ${idField}` };
  }
  if (!workflow) return { job_id: found.id };
  if (workflow.id === owner.id) return { field, message: "must not run its own workflow", detail: "is this workflow" };
  const version = await findVersion(db, workflow.version_id);
  const within = version ? gatesWithin(planSteps(version)) : [];
  return {
    sub_workflow_id: workflow.id,
    sub_workflow_version_id: workflow.version_id,
    gates_within: within.length > 0 ? within : undefined,
  };
}

const findSubWorkflow = (db: Db, projectId: string, id: string, slug: string) =>
  id ? findWorkflow(db, id) : findWorkflowBySlug(db, projectId, slug);
