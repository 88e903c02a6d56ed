import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { fileURLToPath } from "node:url";

const pathOf = (file: string): string => fileURLToPath(new URL(`../../workflows/${file}`, import.meta.url));

// Writes the bundle to the standard output, and what is wrong to the standard error.
const { code } = await bundleWorkflowCode({
  workflowsPath: pathOf("index.ts"),
  workflowInterceptorModules: ["held-queries", "canceled", "clock"].map((name) => pathOf(`run/${name}.ts`)),
  preloadModules: [pathOf("run/preload.ts")],
  logger: new DefaultLogger("WARN", ({ level, message }) => console.error(level, message)),
});
process.stdout.write(code);
