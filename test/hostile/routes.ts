import { routes } from "../../src/http/routes/index.ts";
import { createWorkflow, gate, trigger } from "../api/definitions.ts";
import type { Stack } from "../stack/harness.ts";
import { UNKNOWN } from "./drafts.ts";
import { rawRequest } from "./raw-http.ts";

/** Every route by its method and path. */
export const named = routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const);

/** Bodies that a route does not do without, by how its path ends. */
const NEEDED = [
  ["/trigger/bulk", '{"items":[{}]}'],
  ["/comment", '{"comment":"text"}'],
  ["/choose", '{"option":"text"}'],
  ["/reassign", '{"approvers":["ada"]}'],
  ["/extend", '{"until":"2100-01-01T00:00:00Z"}'],
] as const;

/** The body without which a route, by its path, asks for nothing at all. */
export const neededBy = (path: string): string | undefined => NEEDED.find(([end]) => path.endsWith(end))?.[1];

/** What a test asks of any route, on a stack that is made later. */
export function routesOn(stack: () => Stack) {
  let ids: Record<string, string> = {};
  return {
    /** Before any request: what a path may name, which is a run at its gate and its workflow. */
    async begin(): Promise<void> {
      const workflow = await createWorkflow(stack(), [gate("gate"), gate("next", { depends_on: ["gate"] })]);
      const run = await trigger(stack(), workflow);
      ids = {
        workflowID: workflow.id,
        workflowRunID: run.id,
        stepRef: "gate",
        jobID: UNKNOWN,
        runID: UNKNOWN,
        operationID: UNKNOWN,
        eventKey: "key",
        prefix: "key",
        commandID: UNKNOWN,
        webhookID: UNKNOWN,
        deliveryID: UNKNOWN,
        versionID: String(workflow.version_id),
        fromVersionID: String(workflow.version_id),
        toVersionID: String(workflow.version_id),
        projectID: "demo",
      };
    },
    filled: (path: string, over: Record<string, string> = {}) =>
      path.replace(/:(\w+)/g, (_, name) => over[name] ?? ids[name] ?? ""),
    request: (method: string, path: string, headers?: string[], body?: string | Buffer) =>
      rawRequest(stack(), method, path, headers, body),
  };
}
