import { type Json, stringifyJson } from "../../contract/json.ts";
import type { StepInput } from "../../contract/steps.ts";
import { Problem } from "../../errors.ts";
import { JsonSchema } from "../../rules/json-schema.ts";
import { inTurn } from "../../time/in-turn.ts";

/** Of all forms of a workflow together, in characters: to compile one takes up to a millisecond for each forty of them. */
const MOST_FORMS = 65_536;

/** Each form of a gate is a JSON Schema that can be used. */
export async function assertForms(projectId: string, steps: StepInput[]): Promise<void> {
  let size = 0;
  for (const [i, { step_ref, approval_form: form }] of steps.entries()) {
    if (form === undefined) continue;
    const refuse = (message: string) => {
      const detail = `steps[${i}].approval_form of step "${step_ref}": ${message}`;
      throw new Problem("validation_error", `step "${step_ref}": ${message}`, [detail]);
    };
    size += stringifyJson(form).length;
    if (size > MOST_FORMS) refuse(`the forms of the workflow have more than ${MOST_FORMS} characters`);
    if (typeof form !== "object" || form === null || Array.isArray(form)) refuse("approval_form must be a JSON Schema");
    try {
      await inTurn(projectId, () => new JsonSchema(form as Json));
    } catch (error) {
      refuse(`invalid approval_form: ${(error as Error).message}`);
    }
  }
}
