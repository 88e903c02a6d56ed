import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { PACKING, pathOf } from "./packing.ts";

// Writes the bundle to the standard output, and what is wrong to the standard error.
const { code } = await bundleWorkflowCode({
  ...PACKING,
  workflowsPath: pathOf("index.ts"),
  logger: new DefaultLogger("WARN", ({ level, message }) => console.error(level, message)),
});
// A global of the sandbox is looked up anew at each use, which takes longer than what Math does: in a search for a pattern, nearly as
// long as all the rest. On the first line, so that no line of a stack is another one.
process.stdout.write(`const Math = globalThis.Math;${code}`);
