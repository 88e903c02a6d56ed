import { setTimeout as sleep } from "node:timers/promises";
import { type Dispatcher, Pool } from "undici";
import { v7 as uuid } from "uuid";
import type { Servers } from "./servers/index.ts";
import { serveIn } from "./servers/serve-in.ts";
import { definitionOf, type Shape, stepsOf } from "./shapes.ts";
import type { Subject } from "./subject.ts";
import { connect, type StepRun, type Steps } from "../client/index.ts";
import { mintToken } from "../src/cli/mint.ts";

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
  const token = mintToken(auth, { sub: "bench", projects: [PROJECT], scopes: ["*"] });
  const client = connect(url, token, pooled(url));
  const named = () => {
    const slug = `bench-${uuid()}`;
    return { project_id: PROJECT, name: slug, slug };
  };
  return {
    url,
    token,
    client,
    /** A job that calls the endpoint; `search` is the query part of its URL. */
    async createJob(search: string): Promise<string> {
      const endpoint_url = `${endpointUrl}/product?${search}`;
      return (await client.createJob({ body: { ...named(), endpoint_url } })).id;
    },
    async createWorkflow(steps: Steps): Promise<string> {
      return (await client.createWorkflow({ body: { ...named(), steps } })).id;
    },
    async trigger(workflowID: string, payload?: object): Promise<string> {
      return (await client.triggerWorkflow({ path: { workflowID }, body: { payload } })).id;
    },
    cancel: (workflowRunID: string) => client.deleteWorkflowRun({ path: { workflowRunID } }),
    async steps(workflowRunID: string): Promise<StepRun[]> {
      return (await client.listWorkflowRunSteps({ path: { workflowRunID } })).data;
    },
    approve: (workflowRunID: string) => client.approveWorkflowRunStep({ path: { workflowRunID, stepRef: "gate" } }),
    /** Returns once the run has completed; throws when it ended otherwise. */
    async completed(workflowRunID: string): Promise<void> {
      for (;;) {
        const run = await client.getWorkflowRun({ path: { workflowRunID }, query: { wait_secs: 20 } });
        if (run.status === "completed") return;
        if (!OPEN.includes(run.status)) throw new Error(`run ${workflowRunID} ended ${run.status}: ${run.error}`);
        await sleep(10);
      }
    },
  };
}

/** fetch as far as the client needs it. undici's own makes streams and headers of each answer, at twice the time. */
function pooled(url: string): typeof fetch {
  const pool = new Pool(url, { connections: CONNECTIONS, headersTimeout: 0, bodyTimeout: 0 });
  return async (input, { method, headers, body } = {}) => {
    const path = String(input).slice(url.length);
    const answer = await pool.request({ method, path, headers, body } as Dispatcher.RequestOptions);
    return {
      ok: answer.statusCode < 300,
      status: answer.statusCode,
      headers: { get: (name: string) => answer.headers[name] },
      json: () => answer.body.json(),
    } as unknown as Response;
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
