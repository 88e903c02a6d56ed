import { startProxy } from "./proxy.ts";
import { connect } from "../../client/index.ts";
import { mintToken } from "../../src/cli/mint.ts";
import { freePort } from "../../src/dev/ports.ts";
import type { Servers } from "../servers/index.ts";
import { type Served, serveIn } from "../servers/serve-in.ts";

const PROJECTS = ["orders", "invoices", "stock"];
/** The steps of each project call an endpoint of their own as long. */
const ENDPOINT_TAKES_MS = 20;
const TRIGGERED_EVERY_MS = 1_000;

export type Deployment = Awaited<ReturnType<typeof deploy>>;

/** An API and two workers that tell their metrics, behind proxies, and projects that trigger runs all the time. */
export async function deploy(servers: Servers) {
  const { variables, auth, endpointUrl, onStop } = servers;
  const database = new URL(servers.databaseUrl);
  const postgres = await startProxy(Number(database.port));
  onStop(postgres.stop);
  database.port = String(postgres.port);
  const temporal = await startProxy(Number(servers.temporalAddress.split(":")[1]));
  onStop(temporal.stop);
  const ports = { api: await freePort(), workers: [await freePort(), await freePort()], warehouse: await freePort() };
  const own = { ...variables, DATABASE_URL: database.href, TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}` };

  const api = await serveIn("src/api.ts", { ...own, METRICS_PORT: String(ports.api) });
  onStop(api.stop);
  const workers: Served[] = [];
  const startWorkers = async () => {
    for (const port of ports.workers) {
      const worker = await serveIn("src/worker.ts", { ...own, WORKER_PORT: String(port) }, "polling");
      onStop(worker.stop);
      workers.push(worker);
    }
  };
  await startWorkers();
  const startWarehouse = () =>
    servers.startScript("warehouse", "servers/endpoint.ts", { PORT: String(ports.warehouse) });
  let warehouse = await startWarehouse();

  const client = connect(api.origin, mintToken(auth, { sub: "bench", projects: PROJECTS, scopes: ["*"] }));
  const workflows = new Map<string, string>();
  for (const project_id of PROJECTS) {
    const at = project_id === "stock" ? `http://127.0.0.1:${ports.warehouse}` : endpointUrl;
    const endpoint_url = `${at}/product?delay=${ENDPOINT_TAKES_MS}`;
    const job = await client.createJob({ body: { project_id, name: "job", slug: "job", endpoint_url } });
    const step = { job_id: job.id, retry_max_attempts: 3 };
    const steps = [
      { ...step, step_ref: "first" },
      { ...step, step_ref: "second", depends_on: ["first"] },
    ];
    const { id } = await client.createWorkflow({ body: { project_id, name: "work", slug: "work", steps } });
    workflows.set(project_id, id);
  }
  /** Where it is refused, since something is away, the project goes on. */
  const trigger = (project: string) =>
    client.triggerWorkflow({ path: { workflowID: workflows.get(project) as string }, body: {} }).catch(() => {});
  const triggering = setInterval(() => PROJECTS.forEach((project) => void trigger(project)), TRIGGERED_EVERY_MS);
  onStop(async () => clearInterval(triggering));

  return {
    postgres,
    temporal,
    trigger,
    targets: { "workflow-runs-api": [ports.api], "workflow-runs-worker": ports.workers },
    async killWorkers() {
      for (const worker of workers.splice(0)) await worker.kill();
      return startWorkers;
    },
    async stopWarehouse() {
      await warehouse.stop();
      return async () => {
        warehouse = await startWarehouse();
      };
    },
  };
}
