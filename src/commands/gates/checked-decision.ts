import { forcedOutput } from "./forced-output.ts";
import { type Json, stringifyJson } from "../../contract/json.ts";
import type { Deps } from "../../deps.ts";
import { invalid, Problem } from "../../errors.ts";
import { formMismatch } from "../../rules/gate-form.ts";
import { type Caller, senderOf } from "../../identity/caller.ts";
import { listApprovalsOf } from "../../store/approvals/approval-lists.ts";
import { type StoredStep, stepsOfVersion } from "../../store/workflow-versions.ts";
import type { Verb } from "../../../workflows/engine/command.ts";
import { approverAs, isReference } from "../../../workflows/engine/gates/gate.ts";
import { partHash } from "../../../workflows/engine/gates/part-hash.ts";
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

interface Checked {
  result?: Json;
  form_hash?: string;
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
): Promise<Checked> {
  if (verb !== "approve" && verb !== "choose" && verb !== "force-complete") return { result };
  const steps = await stepsOfVersion(db, run.workflow_version_id);
  const step = steps.find(({ step_ref }) => step_ref === stepRef);
  const form = step?.approval_form?.text;
  if (verb === "force-complete" && step && (form !== undefined || step.approval_options)) {
    if (!senderOf(caller).may_override && !(await mayDecide(db, caller, run, step))) return {};
    const { values, output } = forcedOutput(step, caller.actor, result);
    if (form === undefined) return { result: output(values) };
    const at = step.approval_options ? "result.values" : "result";
    return { result: output(checkedValues(form, values, at)), form_hash: partHash(form) };
  }
  if (step === undefined || form === undefined) {
    if (values !== undefined) throw invalid("values", `step ${stepRef} has no form for values`);
    return { result };
  }
  if (!isAnOption(step, verb, option) || !(await mayDecide(db, caller, run, step))) return {};
  const given = checkedValues(form, values ?? result, "values");
  return {
    result: verb === "choose" ? { option: option ?? "", by: caller.actor, values: given } : given,
    form_hash: partHash(form),
  };
}

/** Whether the gate is decided so at all. If not, the run says it, whatever the values are. */
const isAnOption = ({ approval_options: options }: StoredStep, verb: Verb, option = ""): boolean =>
  verb === "choose" ? options?.includes(option) === true : options === undefined;

function checkedValues(form: string, given: Json = {}, at: string): Json {
  const text = stringifyJson(given);
  if (Buffer.byteLength(text) > MOST_VALUES_BYTES)
    throw invalid(at, `${at} are larger than ${MOST_VALUES_BYTES} bytes`);
  const problem = formMismatch(form, text, at);
  if (problem !== undefined) throw new Problem("validation_error", problem, [problem]);
  return given;
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
