import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import type { Served } from "../../bench/servers/serve-in.ts";
import { requestTo, type Stack, startStack } from "../stack/harness.ts";
import { startApiProcess, startWorkerProcess } from "../stack/processes.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
let api: Served;
let worker: Served;
let metricsPort: number;
let workerPort: number;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  metricsPort = await freePort();
  api = await startApiProcess(stack, { METRICS_PORT: String(metricsPort) });
  workerPort = await freePort();
  worker = await startWorkerProcess(stack, "src/worker.ts", { WORKER_PORT: String(workerPort) });
  on = scenarioOn({ ...stack, request: requestTo(api.origin, stack.token) });
});
afterAll(async () => {
  await worker.stop();
  await api.stop();
  await stack.stop();
});

const get = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);

/** A metric of a scrape: its type, its help, and its samples as they are written. */
interface Family {
  type: string;
  help: string;
  labels: Set<string>;
  samples: Map<string, number>;
}

async function scrape(port: number): Promise<Map<string, Family>> {
  const response = await get(port, "/metrics");
  expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  const families = new Map<string, Family>();
  let family: Family | undefined;
  for (const line of (await response.text()).split("\n")) {
    const [, kind, name = "", words = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind) {
      family = families.get(name) ?? { type: "", help: "", labels: new Set(), samples: new Map() };
      families.set(name, Object.assign(family, kind === "HELP" ? { help: words } : { type: words }));
    } else if (line && !line.startsWith("#")) {
      const at = line.lastIndexOf(" ");
      family?.samples.set(line.slice(0, at), Number(line.slice(at + 1)));
      for (const [, label = ""] of line.matchAll(/[{,](\w+)="/g)) if (label !== "le") family?.labels.add(label);
    }
  }
  return families;
}

/** The rows of a page's tables that begin with a name of a metric. */
const documented = readFileSync("docs/metrics.md", "utf8")
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter(([, name]) => /^`\w+`$/.test(name ?? ""))
  .map(([, name = "", type = "", labels = "", help = ""]) => ({ name: name.slice(1, -1), type, labels, help }));

const lines = (families: Map<string, Family>): string[] =>
  [...families].flatMap(([name, { samples }]) =>
    name.startsWith("workflow_runs_") ? [...samples].map(([sample, value]) => `${sample} ${value}`) : [],
  );

const counted = (name: string, workflow: string, status: string, times: number) =>
  `workflow_runs_${name}_ended_total{project="demo",workflow="${workflow}",status="${status}"} ${times}`;

test("what happens is counted, once, and every metric is in docs/metrics.md as it is", async () => {
  const quick = await on.workflow([{ step_ref: "quick", calls: "/ok" }], { name: "Quick" });
  for (const run of [await on.trigger(quick), await on.trigger(quick)]) await on.ends(run);
  stack.jobs.on("/fails", () => ({ status: 500 }));
  await on.ends(await on.start([{ step_ref: "fails", calls: "/fails" }], {}, { name: "Failing" }));
  const release = stack.jobs.hold("/slow");
  const calls = [
    { step_ref: "first", calls: "/ok" },
    { step_ref: "slow", calls: "/slow", depends_on: ["first"] },
  ];
  const slow = await on.start(calls, {}, { name: "Slow" });
  // It is written by best effort, and later again by a write that is certain.
  const first = counted("steps", "Slow", "completed", 1);
  await until(async () => lines(await scrape(workerPort)).includes(first));
  // On a busy machine others may have been handed over, too.
  const isHandedOver = (line: string) => /^workflow_runs_ordinary_attempts_total [1-9]/.test(line);
  await until(async () => lines(await scrape(workerPort)).some(isHandedOver));
  expect(lines(await scrape(workerPort))).toContain("workflow_runs_calls_in_flight 1");
  release();
  await on.ends(slow);
  const gated = await on.start([GATE], {}, { name: "Gated" });
  await on.opens(gated, GATE.step_ref);

  const ofApi = await scrape(metricsPort);
  const ofWorker = await until(async () => {
    const families = await scrape(workerPort);
    return lines(families).includes(counted("runs", "Slow", "completed", 1)) && families;
  });
  expect(lines(ofWorker)).toEqual(
    expect.arrayContaining([
      ...[counted("runs", "Quick", "completed", 2), counted("steps", "Quick", "completed", 2)],
      ...[counted("runs", "Failing", "failed", 1), counted("steps", "Failing", "failed", 1)],
      ...[counted("steps", "Slow", "completed", 2), "workflow_runs_calls_in_flight 0"],
      'workflow_runs_runs_started_total{project="demo",workflow="Quick"} 2',
      'workflow_runs_runs_started_total{project="demo",workflow="Gated"} 1',
      "workflow_runs_run_start_delay_seconds_count 5",
      'workflow_runs_run_duration_seconds_count{status="completed"} 3',
      'workflow_runs_attempt_duration_seconds_count{result="ok"} 4',
      'workflow_runs_attempt_duration_seconds_count{result="server"} 1',
      expect.stringMatching(/^workflow_runs_quick_attempts_total\{outcome="ended"\} [1-4]$/),
      expect.stringMatching(/^workflow_runs_quick_attempts_total\{outcome="handed_over"\} [1-5]$/),
    ]),
  );
  const delay = lines(ofWorker).find((line) => line.startsWith("workflow_runs_run_start_delay_seconds_sum"));
  expect(Number(delay?.split(" ")[1])).toBeGreaterThan(0);
  expect(lines(ofApi)).toEqual(
    expect.arrayContaining([
      'workflow_runs_commands_total{verb="trigger",outcome="applied"} 5',
      'workflow_runs_runs_triggered_total{project="demo"} 5',
      'workflow_runs_http_request_duration_seconds_count{method="POST",route="/v1/workflows/:workflowID/trigger",status="202"} 5',
      'workflow_runs_open_gates{project="demo",age="under_1h"} 1',
      'workflow_runs_open_gates{project="demo",age="over_7d"} 0',
    ]),
  );
  for (const told of [ofApi, ofWorker])
    expect(lines(told)).toEqual(
      expect.arrayContaining(
        ["postgres", "temporal"].map((server) =>
          expect.stringMatching(`^workflow_runs_server_response_seconds{server="${server}"} [01]\\b`),
        ),
      ),
    );
  // No ids: what is told stays bounded, and tells nothing of a tenant's data.
  expect([...lines(ofWorker), ...lines(ofApi)].filter((line) => /[0-9a-f]{8}-[0-9a-f]{4}/.test(line))).toEqual([]);

  const told = new Map([...ofApi, ...ofWorker]);
  // As promtool has it: that is how a counter's name ends, and no other's.
  const endsAsCounter = [...told].filter(([name]) => name.endsWith("_total"));
  expect(endsAsCounter.filter(([, { type }]) => type !== "counter")).toEqual([]);
  const rows = new Map(documented.map((row) => [row.name, row]));
  for (const [name, { type, help }] of told) expect({ name, type, help }).toEqual(pick(rows.get(name)));
  const ours = documented.filter(({ name }) => name.startsWith("workflow_runs_"));
  const labelsOf = (name: string) =>
    new Set([...(ofApi.get(name)?.labels ?? []), ...(ofWorker.get(name)?.labels ?? [])]);
  expect(ours).toEqual(ours.map((row) => ({ ...row, labels: [...labelsOf(row.name)].join(", ") })));
  expect(ours.filter(({ name }) => !told.has(name))).toEqual([]);
});

const pick = (row?: (typeof documented)[number]) => row && { name: row.name, type: row.type, help: row.help };

test("a worker tells its health, and nothing else", async () => {
  const health = await get(workerPort, "/health");
  expect([health.status, await health.json()]).toEqual([200, { edition: "community", status: "ok" }]);
  const ready = await get(workerPort, "/health/ready");
  const up = (name: string) => ({ name, status: "up", latency_ms: expect.any(Number) });
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { status: "up", components: [up("postgres"), up("temporal")] },
  ]);
  for (const [port, path] of [
    [workerPort, "/v1/workflows"],
    [metricsPort, "/health"],
  ] as const)
    expect((await get(port, path)).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${workerPort}/metrics`, { method: "POST" })).status).toBe(404);
});

test("the API tells no metrics where anybody may ask", async () => {
  expect((await fetch(`${api.origin}/metrics`)).status).toBe(404);
});
