import type { Case } from "./case.ts";
import { RARE } from "./fill.ts";
import { countsQuery, runsQuery } from "../../src/contract/lists.ts";
import { countsStatement } from "../../src/store/run-lists/count-runs.ts";
import { runsStatement } from "../../src/store/run-lists/list-runs.ts";

const DAY = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY).toISOString();

/** What operators ask of the largest project, a tenth of all runs, and of one of its workflows. */
export function searchesIn(project_id: string, workflow_id: string): Case[] {
  const asked = (path: string, query: Record<string, string>) => `${path}?${new URLSearchParams(query)}`;
  const list = (name: string, query: Record<string, string>): Case => {
    const given = { project_id, limit: "50", ...query };
    return {
      name,
      kind: "search",
      paths: [asked("/v1/workflow-runs", given)],
      statements: [runsStatement({ ...runsQuery.parse(given), project_id, limit: 51 })],
    };
  };
  const counts = (name: string, query: Record<string, string>): Case => {
    const given = { project_id, ...query };
    return {
      name: `counts: ${name}`,
      kind: "search",
      paths: [asked("/v1/workflow-runs/counts", given)],
      statements: [countsStatement({ ...countsQuery.parse(given), project_id })],
    };
  };
  const since10 = { status: "failed", created_after: ago(2), error_contains: "timeout", is_retried: "false" };
  return [
    list("status, two", { status: "failed,timed_out" }),
    list("status, two, 3 runs of one", { status: `timed_out,${RARE.status}` }),
    list("created_by, frequent", { created_by: "ada" }),
    list("created_by, some", { created_by: "user-7" }),
    list("created_by, 1 run", { created_by: RARE.creator }),
    list("created_by and status", { created_by: "user-7", status: "failed,timed_out" }),
    list("triggered_by, frequent", { triggered_by: "manual" }),
    list("triggered_by, 1 run", { triggered_by: RARE.trigger }),
    list("created on a day", { created_after: ago(61), created_before: ago(60) }),
    list("finished within an hour", { finished_after: ago(60 + 1 / 24), finished_before: ago(60) }),
    list("finished before", { finished_before: ago(60) }),
    list("finished after", { finished_after: ago(60) }),
    list("sort finished", { sort: "finished" }),
    list("sort finished, status", { sort: "finished", status: "failed" }),
    list("sort finished, 1 run", { sort: "finished", created_by: RARE.creator }),
    list("sort finished, created before", { sort: "finished", created_before: ago(60) }),
    list("sort finished, tag", { sort: "finished", tag_key: "env", tag_value: "prod" }),
    list("label, frequent", { label: "region" }),
    list("label with value", { label: "region=eu" }),
    list("label, 1 run", { label: RARE.key }),
    list("label and tag", { label: "region=eu", tag_key: "team", tag_value: "team-10" }),
    list("error, frequent", { error_contains: "timeout" }),
    list("error, 1 run", { error_contains: RARE.error }),
    list("error, none", { error_contains: "no such words" }),
    list("waiting 1 h", { waiting_longer_than_secs: "3600" }),
    list("waiting 80 days", { waiting_longer_than_secs: String(80 * 86_400) }),
    list("waiting 100 days, none", { waiting_longer_than_secs: String(100 * 86_400) }),
    list("retried", { is_retried: "true" }),
    list("failed, not retried", { status: "failed", is_retried: "false" }),
    list("failed lately, timeout, not retried", since10),
    list("a tag, a creator, a status", { tag_key: "env", tag_value: "prod", created_by: "user-7", status: "failed" }),
    counts("all", {}),
    counts("failed, timeout", { status: "failed", error_contains: "timeout" }),
    counts("failed lately, timeout, not retried", since10),
    counts("a tag", { tag_key: "env", tag_value: "prod" }),
    counts("waiting 1 h", { waiting_longer_than_secs: "3600" }),
    counts("a creator", { created_by: "ada" }),
    counts("a workflow", { workflow_id }),
    counts("triggered by hand", { triggered_by: "manual" }),
  ];
}
