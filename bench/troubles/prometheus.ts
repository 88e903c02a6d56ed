import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../src/dev/ports.ts";
import { lastLines, startServer } from "../../src/dev/server-process.ts";

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const SCRAPED_EVERY_SECS = 15;

export interface Alert {
  name: string;
  state: "pending" | "firing";
}
interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

export type Prometheus = Awaited<ReturnType<typeof startPrometheus>>;

/** Prometheus with the rules that are shipped, all of whose durations are shorter by the factor `speed`, as are its own. */
export async function startPrometheus(targets: Record<string, number[]>, speed: number) {
  const home = mkdtempSync(join(tmpdir(), "prometheus-"));
  const rules = readFileSync(new URL("../../deploy/prometheus/alerts.yml", import.meta.url), "utf8");
  writeFileSync(join(home, "alerts.yml"), faster(rules, speed));
  const every = `${(SCRAPED_EVERY_SECS * 1000) / speed}ms`;
  const scrape_configs = Object.entries(targets).map(([job_name, ports]) => ({
    job_name,
    static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`) }],
  }));
  const global = { scrape_interval: every, scrape_timeout: every, evaluation_interval: every };
  writeFileSync(join(home, "prometheus.yml"), JSON.stringify({ global, rule_files: ["alerts.yml"], scrape_configs }));
  const port = await freePort();
  const logFile = join(home, "prometheus.log");
  const server = startServer({
    name: "Prometheus",
    command: "prometheus",
    args: [
      `--config.file=${join(home, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(home, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    logFile,
    pidFile: join(home, "prometheus.pid"),
    stopSignal: "SIGTERM",
  });
  const ask = async <T>(path: string): Promise<T> => {
    const answer = (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()) as {
      data: T;
      error?: string;
    };
    if (answer.error) throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  };
  while (!(await ask("status/runtimeinfo").catch(() => false))) {
    if (!server.isRunning()) throw new Error(`Prometheus did not start:\n${lastLines(logFile, 5)}`);
    await sleep(100);
  }
  return {
    async query(expr: string): Promise<Sample[]> {
      return (await ask<{ result: Sample[] }>(`query?query=${encodeURIComponent(expr)}`)).result;
    },
    async alerts(): Promise<Alert[]> {
      const { alerts } = await ask<{ alerts: { labels: { alertname: string }; state: Alert["state"] }[] }>("alerts");
      return alerts.map(({ labels, state }) => ({ name: labels.alertname, state }));
    },
    async stop() {
      await server.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Ranges, offsets and `for` of rules. */
function faster(rules: string, speed: number): string {
  return rules.replace(/(?<=\[|offset |for: )(\d+)([smhd])/g, (_, count: string, unit: string) => {
    return `${Math.round((Number(count) * (SECONDS[unit] ?? 1) * 1000) / speed)}ms`;
  });
}
