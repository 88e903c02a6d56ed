import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { v7 as uuid } from "uuid";
import type { Servers } from "./servers/index.ts";
import { serveIn } from "./servers/serve-in.ts";
import { definitionOf, type Shape, stepsOf } from "./shapes.ts";
import type { Subject } from "./subject.ts";
import { mintToken } from "../src/cli/mint.ts";
import type { StepRun, WorkflowRun } from "../src/contract/runs.ts";

const PROJECT = "bench";
const CONNECTIONS = 512;
const OPEN = ["pending", "running", "paused"];

export type Product = ReturnType<typeof productAt>;

/** Starts the product, API and worker in one process, and returns a client of its REST API. */
export async function startProduct(servers: Servers, variables?: Record<string, string>, processName?: string) {
  const { url, stop } = await servers.startProduct(variables, processName);
  return { ...productAt(url, servers), stop };
}

/** Starts the product as `npm run api` and `npm run worker` do, and returns a client of its REST API. */
export async function startApart({ pids, variables, onStop, ...servers }: Servers) {
  const api = await serveIn("src/api.ts", variables);
  onStop(api.stop);
  pids.api = api.pid;
  const startWorker = async () => {
    const worker = await serveIn("src/worker.ts", variables, "polling");
    onStop(worker.stop);
    pids.worker = worker.pid;
    return worker;
  };
  return { ...productAt(api.origin, servers), startWorker };
}

function productAt(url: string, { auth, endpointUrl }: Pick<Servers, "auth" | "endpointUrl">) {
  const pool = new Pool(url, { connections: CONNECTIONS, headersTimeout: 0, bodyTimeout: 0 });
  const token = mintToken(auth, { sub: "bench", projects: [PROJECT], scopes: ["*"] });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

  type Method = "GET" | "POST" | "DELETE";
  const answered = async <Answer>(method: Method, path: string, as: number[], body?: object): Promise<Answer> => {
    const answer = await pool.request({ method, path, headers, body: body && JSON.stringify(body) });
    const text = await answer.body.text();
    if (!as.includes(answer.statusCode)) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text) as Answer;
  };
  const rest = <Answer>(method: Method, path: string, body?: object) =>
    answered<Answer>(method, path, [200, 201, 202], body);
  const named = () => {
    const slug = `bench-${uuid()}`;
    return { project_id: PROJECT, name: slug, slug };
  };
  return {
    url,
    rest,
    /** A request that may be answered with these statuses. */
    answered,
    /** A job that calls the endpoint; `search` is the query part of its URL. */
    async createJob(search: string): Promise<string> {
      const endpoint_url = `${endpointUrl}/product?${search}`;
      return (await rest<{ id: string }>("POST", "/v1/jobs", { ...named(), endpoint_url })).id;
    },
    async createWorkflow(steps: object[]): Promise<string> {
      return (await rest<{ id: string }>("POST", "/v1/workflows", { ...named(), steps })).id;
    },
    async trigger(workflowId: string, payload?: object): Promise<string> {
      return (await rest<WorkflowRun>("POST", `/v1/workflows/${workflowId}/trigger`, { payload })).id;
    },
    cancel: (runId: string) => rest("DELETE", `/v1/workflow-runs/${runId}`),
    steps: (runId: string) => rest<StepRun[]>("GET", `/v1/workflow-runs/${runId}/steps`),
    /** Returns once the run has completed; throws when it ended otherwise. */
    async completed(runId: string): Promise<void> {
      for (;;) {
        const run = await rest<WorkflowRun>("GET", `/v1/workflow-runs/${runId}?wait_secs=20`);
        if (run.status === "completed") return;
        if (!OPEN.includes(run.status)) throw new Error(`run ${runId} ended ${run.status}: ${run.error}`);
        await sleep(10);
      }
    },
  };
}

/** The product as a subject: triggered over HTTP and waited for over HTTP. */
export function overHttp(product: Product, delayMs = 0): Subject {
  const workflows = new Map<string, Promise<string>>();
  const create = async (shape: Shape) =>
    product.createWorkflow(definitionOf(shape, await product.createJob(`delay=${delayMs}`)));
  const subject: Subject = {
    name: "product",
    stepsRun: 0,
    async run(shape) {
      const workflow = workflows.get(shape.name) ?? create(shape);
      workflows.set(shape.name, workflow);
      await product.completed(await product.trigger(await workflow));
      subject.stepsRun += stepsOf(shape);
    },
  };
  return subject;
}
