import { type CommandPayload, type Refusal, refused } from "../../command.ts";
import { unchecked } from "./decisions.ts";
import type { StepOf } from "../kind.ts";

/**
 * Why a gate is not completed by force with this: nobody who decides it could make it put that out, and what comes after it
 * branches on what it puts out. Values were held to the form by whoever says so, see `form_hash`.
 */
export function forcedOtherwise(of: StepOf, said: CommandPayload): Refusal | undefined {
  const { approval_options: options, approval_form } = of.definition;
  const { result } = said;
  // With values it may be too large to travel: it was put together where they were checked.
  if (options && !(approval_form && result && "ref" in result)) {
    const { option, by } = membersOf(result && "text" in result ? result.text : "null");
    if (typeof option !== "string" || !options.includes(option))
      return refused("validation_error", `result.option must be one of ${options.join(", ")}`);
    if (typeof by !== "string") return refused("validation_error", "result.by must be who has chosen it");
  }
  return unchecked(of, said);
}

function membersOf(text: string): { option?: unknown; by?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
