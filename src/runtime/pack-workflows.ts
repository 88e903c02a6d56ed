import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { PACKING, pathOf } from "./packing.ts";

// Writes the bundle to the standard output, and what is wrong to the standard error.
const { code } = await bundleWorkflowCode({
  ...PACKING,
  workflowsPath: pathOf("index.ts"),
  logger: new DefaultLogger("WARN", ({ level, message }) => console.error(level, message)),
});
process.stdout.write(code);
