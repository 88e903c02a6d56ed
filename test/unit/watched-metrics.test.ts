import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";

const read = (path: string) => readFileSync(path, "utf8");

/** Told by the processes, by docs/metrics.md: a histogram has three series. */
const told = new Set(
  [...read("docs/metrics.md").matchAll(/^\| `(\w+)` +\| (\w+)/gm)].flatMap(([, name, type]) =>
    type === "histogram" ? ["_bucket", "_count", "_sum"].map((end) => `${name}${end}`) : [name],
  ),
);
/** Prometheus' own. */
const OF_PROMETHEUS = ["up", "ALERTS"];

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  annotations?: { runbook: string };
}
const rules: Rule[] = parse(read("deploy/prometheus/alerts.yml")).groups.flatMap(
  ({ rules }: { rules: Rule[] }) => rules,
);
const alerts = rules.flatMap(({ alert }) => alert ?? []);

const dashboard: { panels: { title: string; targets?: { expr: string }[] }[] } = JSON.parse(
  read("deploy/grafana/workflow-runs.json"),
);
const panels = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

/** What is left of an expression without strings, durations, functions, and labels after a keyword. */
function seriesIn(expr: string): string[] {
  const bare = expr
    .replace(/"[^"]*"/g, "")
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replace(/\b(by|on|ignoring|without)\s*\([^)]*\)/g, " ");
  const words = bare.matchAll(/(?<![\w.])([a-zA-Z_][\w:]*)(?!\w*\s*\()/g);
  const keywords = ["and", "or", "unless", "by", "offset", "group_left", "bool"];
  return [...words].flatMap(([, word = ""]) => (keywords.includes(word) ? [] : word));
}

const recorded = rules.flatMap(({ record }) => record ?? []);

test.each([...rules.map(({ record, alert, expr }) => ({ title: record ?? alert, expr })), ...panels])(
  "$title watches what is told",
  ({ expr }) => {
    const series = seriesIn(expr);
    expect(series).not.toEqual([]);
    expect(series.filter((name) => ![...told, ...recorded, ...OF_PROMETHEUS].includes(name))).toEqual([]);
  },
);

test("each alert has its panel in the first row, a place that says what to do, and a test in which it fires alone", () => {
  const firstRow = panels.flatMap(({ expr }) => /ALERTS\{alertname="(\w+)"/.exec(expr)?.[1] ?? []);
  expect(firstRow.sort()).toEqual([...alerts].sort());
  const headings = [...read("docs/operations.md").matchAll(/^#+ (.*)$/gm)].map(([, words = ""]) => words.toLowerCase());
  const runbooks = rules.flatMap(({ annotations }) => annotations?.runbook ?? []);
  expect(runbooks).toEqual(alerts.map((name) => `docs/operations.md#${name.toLowerCase()}`));
  expect(headings).toEqual(expect.arrayContaining(alerts.map((name) => name.toLowerCase())));

  type Check = { alertname: string; exp_alerts: object[] };
  const { tests }: { tests: { name: string; alert_rule_test: Check[] }[] } = parse(
    read("deploy/prometheus/alerts.test.yml"),
  );
  for (const each of tests) expect(each.alert_rule_test.map(({ alertname }) => alertname).sort()).toEqual(firstRow);
  const firing = tests.map(({ alert_rule_test: checks }) => checks.filter(({ exp_alerts }) => exp_alerts.length > 0));
  expect(Math.max(...firing.map(({ length }) => length))).toBe(1);
  expect([...new Set(firing.flat().map(({ alertname }) => alertname))].sort()).toEqual(firstRow);
});
