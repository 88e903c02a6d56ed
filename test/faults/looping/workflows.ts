import { workflowRun as today } from "../../../workflows/index.ts";
import type { RunInput } from "../../../workflows/messages.ts";

export { bulkOperation } from "../../../workflows/index.ts";

/** An interpreter with a fault: runs of a definition of this name never give their thread back. */
export default function workflowRun(input: RunInput): ReturnType<typeof today> {
  if ("run" in input && input.run.workflow_name === "loops") for (;;);
  return today(input);
}
