import { readFileSync } from "node:fs";
import type { Prometheus } from "./prometheus.ts";

interface Panel {
  title: string;
  targets?: { expr: string; legendFormat?: string }[];
}

/** As Grafana chooses it for a scrape every 15 s. */
const RATE_INTERVAL_MS = 60_000;

/** What each panel of the shipped dashboard shows now: its title, and its curves with their last value. */
export async function readDashboard(prometheus: Prometheus, speed: number): Promise<Map<string, string>> {
  const file = new URL("../../deploy/grafana/workflow-runs.json", import.meta.url);
  const { panels } = JSON.parse(readFileSync(file, "utf8")) as { panels: Panel[] };
  const shown = new Map<string, string>();
  for (const { title, targets = [] } of panels.filter((panel) => panel.targets)) {
    const curves = [];
    for (const { expr, legendFormat = "" } of targets) {
      const samples = await prometheus.query(expr.replaceAll("$__rate_interval", `${RATE_INTERVAL_MS / speed}ms`));
      for (const { metric, value } of samples) {
        const legend = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? "");
        const number = Number(value[1]);
        if (!Number.isNaN(number)) curves.push(`${legend} ${Number(number.toPrecision(3))}`.trim());
      }
    }
    shown.set(title, curves.join(", "));
  }
  return shown;
}
