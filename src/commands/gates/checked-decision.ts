import { type Json, stringifyJson } from "../../contract/json.ts";
import type { Deps } from "../../deps.ts";
import { invalid, Problem } from "../../errors.ts";
import { formMismatch } from "../../rules/gate-form.ts";
import { hashOf } from "../../rules/gate-contents.ts";
import type { Caller } from "../../identity/caller.ts";
import { listApprovalsOf } from "../../store/approvals/approval-lists.ts";
import { type StoredStep, stepsOfVersion } from "../../store/workflow-versions.ts";
import type { Verb } from "../../../workflows/engine/command.ts";
import { approverAs, isReference } from "../../../workflows/engine/gates/gate.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";

const MOST_VALUES_BYTES = 65_536;

/** What is decided, and how. An event sent to a gate's own key approves it with its payload. */
interface Decision {
  verb: Verb;
  stepRef?: string;
  option?: string;
  values?: Json;
  result?: Json;
}

/**
 * What a command to a run puts out. The values of a gate's form are held to it here, where schemas can be compiled, and the
 * run is told by which form that was: it may show another one by then. Of who is no approver nothing is checked, which may take
 * some time, nor kept: the run refuses them.
 */
export async function checkedDecision(
  { db }: Deps,
  caller: Caller,
  run: RunRow,
  { verb, stepRef, option, values, result }: Decision,
): Promise<{ result?: Json; form_hash?: string }> {
  if (verb !== "approve" && verb !== "choose") return { result };
  const steps = await stepsOfVersion(db, run.workflow_version_id);
  const step = steps.find(({ step_ref }) => step_ref === stepRef);
  const form = step?.approval_form?.text;
  if (step === undefined || form === undefined) {
    if (values !== undefined) throw invalid("values", `step ${stepRef} has no form for values`);
    return { result };
  }
  if (!(await mayDecide(db, caller, run, step))) return {};
  const given = values ?? result ?? {};
  const text = stringifyJson(given);
  if (Buffer.byteLength(text) > MOST_VALUES_BYTES)
    throw invalid("values", `values are larger than ${MOST_VALUES_BYTES} bytes`);
  const problem = formMismatch(form, text);
  if (problem !== undefined) throw new Problem("validation_error", problem, [problem]);
  return {
    result: verb === "choose" ? { option: option ?? "", by: caller.actor, values: given } : given,
    form_hash: hashOf(form),
  };
}

async function mayDecide(
  db: Deps["db"],
  caller: Caller,
  { id: run_id, project_id }: RunRow,
  { step_ref, approval_approvers = [] }: StoredStep,
): Promise<boolean> {
  const [opened] = await listApprovalsOf(db, { project_id, of: { run_id, step_ref }, limit: 1 });
  const approvers = opened?.row.approvers ?? approval_approvers;
  return approvers.some(isReference) || approverAs(approvers, caller) !== undefined;
}
