import {
  ApiError,
  type CreateWorkflowBody,
  createClient,
  OPERATIONS,
  type Ops,
  type Problem,
} from "./generated/api.ts";

export { ApiError };
export type { Job, StepRun, StepStatus, Workflow, WorkflowRun } from "./generated/api.ts";

/** Of a workflow, as they are created. */
export type Steps = NonNullable<CreateWorkflowBody["steps"]>;

/** What `dryRun=true` is answered with, and nothing else. */
type Plan = { dry_run: true };

/** As the operations answer who does not ask for a plan. */
type Done = { [Id in keyof Ops]: Omit<Ops[Id], "result"> & { result: Exclude<Ops[Id]["result"], Plan> } };

export type Client = ReturnType<typeof connect>;

/** A client of the API at this URL, with a method for each operation of openapi.json. What is refused throws, in the API's words. */
export const connect = (apiUrl: string, token: string, fetch?: typeof globalThis.fetch) =>
  createClient<Done>(OPERATIONS, {
    // Below it, lists are pages.
    serverUrl: `${apiUrl}/envelope`,
    auth: { bearer: token },
    clientHeader: false,
    fetch,
    onError: (error, { operation }) =>
      Object.assign(error, {
        message: `${operation.id}: ${error.status} ${(error.body as Problem | undefined)?.error}`,
      }),
  });
