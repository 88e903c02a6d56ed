import type { Pool } from "pg";
import { request } from "undici";
import type { Case } from "./case.ts";
import { projectId, PROJECTS, RARE, WORKFLOWS_A_PROJECT } from "./fill.ts";
import { inboxCases } from "./inbox.ts";
import { searchesIn } from "./searches.ts";
import { runsStatement } from "../../src/store/run-lists/list-runs.ts";
import type { RunStatus } from "../../src/contract/runs.ts";
import { runOfStepsStatement } from "../../src/store/steps.ts";

export const CLOSED_RUN = "a closed run";

type Filter = { status?: RunStatus; tag_key?: string; tag_value?: string };

const DEEP_PAGE = 200;
const PAGES_FROM_THERE = 20;

export async function casesOn(db: Pool, origin: string, token: string): Promise<Case[]> {
  const projects = Array.from({ length: PROJECTS }, (_, p) => projectId(p));
  const list = (name: string, filter: Filter, of = projects): Case => ({
    name,
    kind: "list",
    paths: of.map((project) => `/v1/workflow-runs?${search(project, filter)}`),
    statements: of.slice(0, 2).map((project) => runsStatement({ project_id: project, limit: 51, ...filter })),
  });
  const largest = [projectId(0)];
  const workflows = await idsOf(db, "select id from workflows order by id limit $1", PROJECTS * WORKFLOWS_A_PROJECT);
  const inLargest = await idsOf(db, `select id from workflows where project_id = '${projectId(0)}' limit $1`, 10);
  const closed = await idsOf(db, closedRuns("true"), 5000);
  const stepped = await idsOf(db, closedRuns("exists (select from step_runs where run_id = run.id)"), 2000);
  return [
    list("runs of a project", {}),
    list("runs of the largest project", {}, largest),
    list("status, frequent", { status: "completed" }),
    list("status, 3 runs", { status: RARE.status }, largest),
    list("tag key, frequent", { tag_key: "team" }),
    list("tag key, 1 run", { tag_key: RARE.key }, largest),
    list("tag value, frequent", { tag_key: "env", tag_value: "prod" }),
    list("tag value, 1 run", { tag_key: "team", tag_value: RARE.value }, largest),
    {
      name: "runs of a workflow",
      kind: "list",
      paths: workflows.map((id) => `/v1/workflows/${id}/runs?limit=50`),
      statements: [workflows[0], ...inLargest].map((workflow_id) =>
        runsStatement({ project_id: projectId(0), workflow_id, limit: 51 }),
      ),
    },
    {
      name: `a project's page ${DEEP_PAGE}`,
      kind: "list",
      paths: await deepPages(origin, token),
      statements: [
        runsStatement({ project_id: projectId(0), cursor: { at: Date.now() - 1e9, id: closed[0] }, limit: 51 }),
      ],
    },
    ...inboxCases(),
    ...searchesIn(projectId(0), inLargest[0] as string),
    { name: CLOSED_RUN, kind: "one run", paths: closed.map((id) => `/v1/workflow-runs/${id}`), statements: [] },
    {
      name: "its steps",
      kind: "one run",
      paths: stepped.map((id) => `/v1/workflow-runs/${id}/steps`),
      statements: stepped.slice(0, 2).map(runOfStepsStatement),
    },
  ];
}

function search(project: string, { status, tag_key, tag_value }: Filter): URLSearchParams {
  const given = { project_id: project, limit: "50", status, tag_key, tag_value };
  return new URLSearchParams(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

// Of all over the table: the primary key knows nothing of time.
const closedRuns = (that: string) =>
  `select id from workflow_runs run tablesample system (2) repeatable (1)
   where status in ('completed', 'failed', 'canceled', 'timed_out') and ${that} limit $1`;

async function idsOf(db: Pool, text: string, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(text, [limit]);
  return rows.map(({ id }) => id);
}

/** Page 200 and those after it, of the largest project and of the list of its most frequent tag, by following the cursors. */
async function deepPages(origin: string, token: string): Promise<string[]> {
  const paths: string[] = [];
  for (const filter of ["", "&tag_key=env&tag_value=prod"]) {
    let path = `/v1/workflow-runs?project_id=${projectId(0)}&limit=50${filter}`;
    for (let page = 1; page < DEEP_PAGE + PAGES_FROM_THERE; page++) {
      if (page >= DEEP_PAGE) paths.push(path);
      const { headers, body } = await request(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
      await body.dump();
      const next = /^<(.*)>; rel="next"$/.exec(String(headers.link))?.[1];
      if (next === undefined) break;
      path = next;
    }
  }
  return paths;
}
