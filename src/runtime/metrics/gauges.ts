import { Gauge, type Registry } from "prom-client";
import type { Pool } from "pg";
import type { Deps } from "../../deps.ts";
import { componentsOf, PATIENCE_MS } from "../../queries/readiness.ts";
import { type OpenGates, openGates } from "../../store/approvals/open-gates.ts";
import { assertCommits } from "../../store/postgres/pool.ts";
import { within } from "../../time/deadline.ts";

/** However often it is scraped. */
const GATES_EVERY_MS = 30_000;
const GATES_WITHIN_MS = 2_000;

const AGES = ["under_1h", "under_1d", "under_7d", "over_7d"] as const;

export function gaugePools(registry: Registry, { db, starts }: Deps): void {
  const pools: [string, Pool][] = [
    ["requests", db],
    ["starts", starts],
  ];
  new Gauge({
    name: "workflow_runs_postgres_connections",
    help: "Connections of the process: in use, idle, and asked for in vain until now",
    labelNames: ["pool", "state"],
    registers: [registry],
    collect() {
      for (const [pool, { totalCount, idleCount, waitingCount }] of pools) {
        this.set({ pool, state: "active" }, totalCount - idleCount);
        this.set({ pool, state: "idle" }, idleCount);
        this.set({ pool, state: "waiting" }, waitingCount);
      }
    },
  });
}

/** As `/health/ready` asks them, but that PostgreSQL has to commit: with a full disk or a lost standby it still reads fast. */
export function gaugeServers(registry: Registry, deps: Deps): void {
  new Gauge({
    name: "workflow_runs_server_response_seconds",
    help: "How long PostgreSQL takes to commit for this process, and Temporal to answer it; 2 if they are away",
    labelNames: ["server"],
    registers: [registry],
    async collect() {
      for (const { name: server, status, latency_ms } of await componentsOf(deps, "api", assertCommits))
        if (server !== "api") this.set({ server }, (status === "up" ? latency_ms : PATIENCE_MS) / 1_000);
    },
  });
}

/** While PostgreSQL is away they are missing. */
export function gaugeGates(registry: Registry, { db, log }: Deps): void {
  let last: { at: number; gates: Promise<OpenGates[]> } | undefined;
  const recent = (): Promise<OpenGates[]> => {
    if (!last || Date.now() - last.at > GATES_EVERY_MS) {
      const found = within(GATES_WITHIN_MS, openGates(db), () => new Error("open gates are not counted in time"));
      const gates = found.catch((err) => {
        log.warn({ err }, "open gates are not counted");
        return [];
      });
      last = { at: Date.now(), gates };
    }
    return last.gates;
  };
  new Gauge({
    name: "workflow_runs_open_gates",
    help: "Approvals that wait, by how long they have; at most 1000 of a project, and 100 projects",
    labelNames: ["project", "age"],
    registers: [registry],
    async collect() {
      const gates = await recent();
      this.reset();
      for (const each of gates) for (const age of AGES) this.set({ project: each.project_id, age }, each[age]);
    },
  });
  new Gauge({
    name: "workflow_runs_oldest_open_gate_age_seconds",
    help: "How long the oldest of these has waited",
    labelNames: ["project"],
    registers: [registry],
    async collect() {
      const gates = await recent();
      this.reset();
      for (const { project_id: project, oldest_secs } of gates) this.set({ project }, oldest_secs);
    },
  });
}

export function gaugeWorker(registry: Registry, load: () => { calls: number; mirrorWrites: number }): void {
  new Gauge({
    name: "workflow_runs_calls_in_flight",
    help: "Calls of jobs that wait for their endpoint",
    registers: [registry],
    collect() {
      this.set(load().calls);
    },
  });
  new Gauge({
    name: "workflow_runs_mirror_writes_waiting",
    help: "Changes of runs that wait for an earlier write",
    registers: [registry],
    collect() {
      this.set(load().mirrorWrites);
    },
  });
}
