import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";

/** Packs the workflows for the sandbox. Takes seconds; fails on whatever does not belong there, such as a Node module. */
export function bundleWorkflows(): Promise<{ code: string }> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL("../workflows/index.ts", import.meta.url)),
    workflowInterceptorModules: [fileURLToPath(new URL("../workflows/held-queries.ts", import.meta.url))],
    preloadModules: [fileURLToPath(new URL("../workflows/shared.ts", import.meta.url))],
    logger: new DefaultLogger("WARN"),
  });
}
