import { type Json, stringifyJson } from "../../contract/json.ts";
import type { Deps } from "../../deps.ts";
import { invalid, Problem } from "../../errors.ts";
import { formMismatch } from "../../rules/gate-form.ts";
import { hashOf } from "../../rules/gate-contents.ts";
import { stepsOfVersion } from "../../store/workflow-versions.ts";
import type { Verb } from "../../../workflows/engine/command.ts";
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
 * run is told by which form that was: it may show another one by then.
 */
export async function checkedDecision(
  { db }: Deps,
  actor: string,
  { workflow_version_id }: RunRow,
  { verb, stepRef, option, values, result }: Decision,
): Promise<{ result?: Json; form_hash?: string }> {
  if (verb !== "approve" && verb !== "choose") return { result };
  const steps = await stepsOfVersion(db, workflow_version_id);
  const form = steps.find(({ step_ref }) => step_ref === stepRef)?.approval_form?.text;
  if (form === undefined) {
    if (values !== undefined) throw invalid("values", `step ${stepRef} has no form for values`);
    return { result };
  }
  const given = values ?? result ?? {};
  const text = stringifyJson(given);
  if (Buffer.byteLength(text) > MOST_VALUES_BYTES)
    throw invalid("values", `values are larger than ${MOST_VALUES_BYTES} bytes`);
  const problem = formMismatch(form, text);
  if (problem !== undefined) throw new Problem("validation_error", problem, [problem]);
  return {
    result: verb === "choose" ? { option: option ?? "", by: actor, values: given } : given,
    form_hash: hashOf(form),
  };
}
