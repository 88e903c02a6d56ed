import { setImmediate } from "node:timers/promises";
import { v7 as uuid } from "uuid";
import pMap from "p-map";
import { saveTemplate } from "../save-template.ts";
import { assertForms } from "./gate-forms.ts";
import { type Called, calledBy, type Owner } from "./called-by.ts";
import { type Json, type JsonDoc, stringifyJson } from "../../contract/json.ts";
import { sentAs, type StepInput } from "../../contract/steps.ts";
import { ofEffectIn } from "../../contract/without-effect.ts";
import type { VersionPolicy } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { endpointProblem } from "../../rules/endpoint-url.ts";
import { policyViolation } from "../../rules/workflow-policy.ts";
import type { Db } from "../../store/postgres/pool.ts";
import { findPolicy } from "../../store/definitions/workflow-policies.ts";
import type { StoredStep } from "../../store/workflow-versions.ts";
import type { StoredWorkflow } from "../../store/workflows.ts";
import { stepsProblem } from "../../../workflows/engine/definition/validate.ts";

/** Steps that may be stored, each with what it calls. */
export type CheckedSteps = { input: StepInput; called: Called }[];

/** All that has to be right about steps before they are stored, their project's policy included. */
export async function checkedSteps({ db, config }: Deps, owner: Owner, steps: StepInput[]): Promise<CheckedSteps> {
  // A large definition takes a while to check, and has taken one to read: others are answered in between.
  await setImmediate();
  const problem = stepsProblem(steps, config.maxSteps);
  if (problem) throw new Problem("validation_error", problem.message, asSent(problem.details, steps));
  assertNotifyUrls(config, steps);
  await assertForms(owner.project_id, steps);
  const policy = await findPolicy(db, owner.project_id);
  const violation = policy && policyViolation(policy, steps);
  if (violation) throw new Problem("validation_error", violation, [`steps: ${violation}`]);
  const called = await calledBy(db, owner, steps);
  return steps.map((input, i) => ({ input, called: called[i] ?? {} }));
}

/** As a job's endpoint: one that must not be called would be told of no wait, in any run. */
function assertNotifyUrls({ allowPrivateEndpoints }: Deps["config"], steps: StepInput[]): void {
  for (const [i, { step_ref, step_type, event_notify_url: url }] of steps.entries()) {
    const problem = step_type === "wait_for_event" && url ? endpointProblem(url, allowPrivateEndpoints) : undefined;
    if (problem === undefined) continue;
    const message = `invalid event_notify_url: ${problem}`;
    const detail = `steps[${i}].event_notify_url of step "${step_ref}": ${message}`;
    throw new Problem("validation_error", `step "${step_ref}": ${message}`, [detail]);
  }
}

/** Details name fields as they were sent. */
const asSent = (details: string[], steps: StepInput[]): string[] =>
  details.map((detail) =>
    detail.replace(/^(steps\[(\d+)\]\.)(\w+)/, (whole, at: string, i: string, field: string) => {
      const step = steps[Number(i)];
      return step ? `${at}${sentAs(step, field)}` : whole;
    }),
  );

type Of = Pick<StoredWorkflow, "id" | "project_id" | "version_policy"> & { at: number };

/** The steps as they are stored, their large payloads as documents. */
export function saveSteps(db: Db, of: Of, steps: CheckedSteps): Promise<StoredStep[]> {
  const refs = new Set(steps.map(({ input }) => input.step_ref));
  const owner = { projectId: of.project_id, runId: null };
  const save = (payload: Json) => saveTemplate(db, owner, payload, (ref) => refs.has(ref));
  return pMap(steps, (step) => storedStep(of, step, save), { concurrency: 1 });
}

/** The same for a dry run, which stores nothing. */
export function unsavedSteps(of: Of, steps: CheckedSteps): Promise<StoredStep[]> {
  return pMap(steps, (step) => storedStep(of, step, async (payload) => ({ text: stringifyJson(payload) })));
}

async function storedStep(
  { id: workflow_id, version_policy, at }: Of,
  { input, called }: CheckedSteps[number],
  keep: (payload: Json) => Promise<JsonDoc>,
): Promise<StoredStep> {
  const { payload, approval_payload, approval_form, ...step } = ofEffectIn(input);
  const documents = {
    payload: payload === undefined ? undefined : await keep(payload),
    approval_payload: approval_payload === undefined ? undefined : await keep(approval_payload),
    approval_form: approval_form === undefined ? undefined : { text: stringifyJson(approval_form) },
  };
  // The check found nothing: every choice of the input is one that there is.
  const checked = step as Omit<StoredStep, "id" | "workflow_id" | "created_at" | keyof typeof documents>;
  const stored = { ...checked, ...called, id: uuid(), workflow_id, ...documents, created_at: at };
  return underPolicy(version_policy, stored);
}

/** A sub_workflow step is told its workflow's version policy: its run knows nothing else of the workflow. */
export const underPolicy = (policy: VersionPolicy, step: StoredStep): StoredStep =>
  step.step_type === "sub_workflow" ? { ...step, version_policy: policy === "pin" ? undefined : policy } : step;
