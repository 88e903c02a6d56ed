import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import jwt from "jsonwebtoken";
import type { Route } from "../../src/http/route.ts";
import { routes } from "../../src/http/routes/index.ts";
import { SCOPES } from "../../src/identity/caller.ts";
import { findWaitingTrigger } from "../../src/store/event-triggers.ts";
import { createJob, gate, getSteps, ok, opens, runOf, wait, work } from "./definitions.ts";
import { refused } from "./shapes.ts";
import { type Answered, type Stack, startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

type Ids = Record<string, string>;
type Case = { body?: (ids: Ids) => unknown; prepare?: () => Promise<Ids> };
type Token = Record<string, unknown>;

/** What a project has of everything. */
const LISTS = routes
  .filter(({ method, path, scope }) => method === "get" && scope && !path.includes(":"))
  .map(({ path }) => path);

const UNKNOWN = "01900000-0000-7000-8000-000000000000";

let stack: Stack;
/** Of the project demo, by the names of path parameters. No refused request may change any of it. */
let demo: Ids;
let before: unknown;

beforeAll(async () => {
  stack = await startStack();
  const job = await createJob(stack);
  const steps = [gate("gate"), wait("wait", "key of demo"), work("work", job)];
  const run = await runOf(stack, steps);
  await Promise.all([opens(stack, run, "gate"), opens(stack, run, "wait")]);
  const jobRun = (await getSteps(stack, run)).find(({ step_ref }) => step_ref === "work")?.job_run_id ?? "";
  demo = {
    workflowRunID: run.id,
    workflowID: run.workflow_id,
    jobID: job.id,
    runID: jobRun,
    stepRef: "gate",
    eventKey: "key of demo",
  };
  demo.operationID = (await operating()).operationID ?? "";
  // Its id is that of the command, too.
  demo.commandID = "a command of demo";
  const options = { headers: { "idempotency-key": demo.commandID } };
  await ok(stack, "POST", `/v1/bulk-operations/${demo.operationID}/abort`, undefined, options);
  refused(
    await stack.request("POST", `/v1/workflow-runs/${run.id}/resume`, undefined, options),
    400,
    "invalid_state",
    "workflow run is not paused",
  );
  await stack.deps.temporal.workflow.getHandle(demo.operationID).result();
  before = await everything();
});
afterAll(() => stack.stop());

const everything = async () => {
  const steps = `/v1/workflow-runs/${demo.workflowRunID}/steps`;
  return Promise.all([...LISTS, steps].map((list) => ok(stack, "GET", list)));
};
const filled = (path: string, ids: Ids) => path.replace(/:(\w+)/g, (_, name) => encodeURIComponent(ids[name] ?? ""));

const atGate = async (): Promise<Ids> => {
  const run = await runOf(stack, [gate("gate")]);
  await opens(stack, run, "gate");
  return { ...demo, workflowRunID: run.id };
};
const after =
  (method: string, path: string, prepare = atGate) =>
  async () => {
    const ids = await prepare();
    await ok(stack, method, filled(path, ids));
    return ids;
  };
const canceled = after("DELETE", "/v1/workflow-runs/:workflowRunID");
const paused = after("POST", "/v1/workflow-runs/:workflowRunID/pause");

/** An operation that takes a while. */
const operating = async (): Promise<Ids> => {
  const ids = Array.from({ length: 50 }, () => uuid());
  const body = { project_id: "demo", operation: "pause", ids, max_per_second: 1 };
  const { id } = await ok<{ id: string }>(stack, "POST", "/v1/bulk-operations", body);
  return { ...demo, operationID: id };
};

const waitsFor = async (key: string) => {
  const run = await runOf(stack, [wait("wait", key)]);
  await until(() => findWaitingTrigger(stack.deps.db, "demo", key));
  return run.id;
};

const RUN = "/v1/workflow-runs/:workflowRunID";
const STEP = `${RUN}/steps/:stepRef`;
const OPERATION = "/v1/bulk-operations/:operationID";
const ofRun = ({ workflowRunID }: Ids) => ({ project_id: "demo", operation: "pause", ids: [workflowRunID] });
const bulk = ({ workflowRunID }: Ids) => ({ workflow_run_ids: [workflowRunID] });
let slugs = 0;

/** What a request needs to be answered with the right token, besides what its route's declaration tells. */
const CASES: Record<string, Case> = {
  "post /v1/workflows": { body: () => ({ project_id: "demo", name: "new", slug: `new-${++slugs}` }) },
  "post /v1/workflow-runs/bulk-cancel": { body: bulk, prepare: atGate },
  "post /v1/workflow-runs/bulk-replay": { body: bulk, prepare: canceled },
  [`delete ${RUN}`]: { prepare: atGate },
  [`post ${RUN}/retry`]: { prepare: canceled },
  [`post ${RUN}/pause`]: { prepare: atGate },
  [`post ${RUN}/resume`]: { prepare: paused },
  [`post ${STEP}/retry`]: { prepare: canceled },
  [`post ${STEP}/replay-subtree`]: { prepare: canceled },
  [`post ${STEP}/approve`]: { prepare: atGate },
  [`post ${STEP}/reject`]: { prepare: atGate },
  [`post ${STEP}/skip`]: { prepare: atGate },
  [`post ${STEP}/force-complete`]: { prepare: atGate },
  "post /v1/bulk-operations": { body: ofRun, prepare: atGate },
  [`post ${OPERATION}/pause`]: { prepare: operating },
  [`post ${OPERATION}/resume`]: { prepare: after("POST", `${OPERATION}/pause`, () => operating()) },
  [`post ${OPERATION}/abort`]: { prepare: operating },
  "post /v1/jobs": {
    body: () => ({ project_id: "demo", name: "new", slug: `new-${++slugs}`, endpoint_url: stack.jobs.url("/new") }),
  },
  "post /v1/events/:eventKey/send": {
    prepare: async () => {
      const workflowRunID = await waitsFor("key of its own");
      return { ...demo, workflowRunID, eventKey: "key of its own" };
    },
  },
};
const caseOf = ({ method, path }: Route): Case => CASES[`${method} ${path}`] ?? {};
const successOf = ({ returns }: Route) => Number(Object.keys(returns)[0]);
const takesProject = ({ query }: Route) => query?.safeParse({ project_id: "demo" }).success === true;

const inOneHour = () => Math.floor(Date.now() / 1000) + 3600;
const claims = (): Token => ({
  sub: "ada",
  projects: ["demo"],
  scopes: ["*"],
  iss: stack.config.auth.issuer,
  aud: stack.config.auth.audience,
  exp: inOneHour(),
});
const signed = (over: Token, secret = stack.config.auth.secret, algorithm: jwt.Algorithm = "HS256") =>
  jwt.sign(
    Object.fromEntries(Object.entries({ ...claims(), ...over }).filter(([, claim]) => claim !== undefined)),
    secret,
    {
      algorithm,
      noTimestamp: true,
    },
  );
const scrambled = (token: string) => {
  const [head, , signature] = token.split(".");
  const root = Buffer.from(JSON.stringify({ ...claims(), sub: "root" })).toString("base64url");
  return [head, root, signature].join(".");
};

/** What no route with a scope takes, and what it says besides "invalid bearer token". */
const BAD_TOKENS: Record<string, { header: () => string; error?: string; details?: string[] }> = {
  "no token": { header: () => "", error: "invalid or missing bearer token" },
  "an expired one": { header: () => `Bearer ${signed({ exp: inOneHour() - 3700 })}`, details: ["token: expired"] },
  "a wrong signature": { header: () => `Bearer ${signed({}, "a secret of somebody else, also 32 long")}` },
  "claims changed after signing": { header: () => `Bearer ${scrambled(signed({}))}` },
  "alg none": { header: () => `Bearer ${signed({}, "", "none")}` },
  "another algorithm": { header: () => `Bearer ${signed({}, undefined, "HS512")}` },
  "a wrong audience": { header: () => `Bearer ${signed({ aud: "somebody else" })}` },
  "no audience": { header: () => `Bearer ${signed({ aud: undefined })}` },
  "a wrong issuer": { header: () => `Bearer ${signed({ iss: "somebody else" })}` },
  "no issuer": { header: () => `Bearer ${signed({ iss: undefined })}` },
  "no end": {
    header: () => `Bearer ${signed({ exp: undefined })}`,
    details: ["token: needs a printable sub and an exp"],
  },
  nobody: {
    header: () => `Bearer ${signed({ sub: undefined })}`,
    details: ["token: needs a printable sub and an exp"],
  },
  "not yet valid": { header: () => `Bearer ${signed({ nbf: inOneHour() })}` },
  "no JWT": { header: () => "Bearer abc" },
  "another scheme": { header: () => `Basic ${Buffer.from("ada:secret").toString("base64")}` },
  "an api key": { header: () => "Bearer strait_abcdef", error: "invalid api key" },
};

function ask(route: Route, ids: Ids, headers: Record<string, string>, query = queryOf(route)) {
  const { body } = caseOf(route);
  return stack.request(route.method.toUpperCase(), filled(route.path, ids) + query, body?.(ids), {
    token: "",
    headers,
  });
}
const queryOf = (route: Route) => (takesProject(route) ? "?project_id=demo" : "?");
const bearer = (over: Token) => ({ authorization: `Bearer ${signed(over)}` });

/** Everything of an answer by which one could be told from another. */
const visible = ({ status, headers, body }: Answered<unknown>) => {
  const { date, "x-request-id": id, ...shown } = Object.fromEntries(headers);
  return { status, shown, body: { ...(body as object), request_id: "" } };
};

const named = routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const);
const guarded = named.filter(([, { scope }]) => scope !== undefined);
const open = named.filter(([, { scope }]) => scope === undefined);

test("every case is one of a route, and only health and the document are open", () => {
  expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual(expect.arrayContaining(Object.keys(CASES)));
  expect(open.map(([name]) => name)).toEqual(["GET /health", "GET /health/ready", "GET /openapi.json"]);
});

describe.each(guarded)("%s refuses", (_, route) => {
  test.each(Object.entries(BAD_TOKENS))("%s", async (_, { header, error = "invalid bearer token", details }) => {
    const authorization = header();
    const answer = await ask(route, demo, authorization === "" ? {} : { authorization });
    expect(refused(answer, 401, "unauthorized", error).details).toEqual(details);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  });

  test("every scope but its own", async () => {
    const others = SCOPES.filter((scope) => scope !== route.scope && scope !== route.orScope);
    const own = [route.scope, route.orScope].filter((scope) => scope !== undefined);
    const message = `insufficient permissions: requires ${own.join(" or ")}`;
    for (const scopes of [others, [], undefined, others.join(" "), [`${route.scope}x`], 7])
      refused(await ask(route, demo, bearer({ scopes })), 403, "forbidden", message);
  });

  test("another project's caller, and one of no project", async () => {
    const unknown = Object.fromEntries(Object.keys(demo).map((name) => [name, UNKNOWN]));
    for (const projects of [["other"], ["Demo"], [], undefined]) {
      const answer = await ask(route, demo, bearer({ projects }));
      if (route.path.includes("ID")) {
        refused(answer, 404, "not_found", / not found$/);
        expect(visible(answer)).toEqual(visible(await ask(route, unknown, bearer({ projects }))));
        expect(visible(answer)).toEqual(visible(await ask(route, unknown, bearer({}))));
      } else if (route.path.includes("/workflow-runs/bulk-")) {
        const inTheirs = JSON.stringify(visible(answer)).replaceAll(demo.workflowRunID ?? "", UNKNOWN);
        expect(answer).toMatchObject({ status: 200, body: { failed: 1 } });
        expect(JSON.parse(inTheirs)).toEqual(visible(await ask(route, unknown, bearer({}))));
      } else {
        refused(answer, 403, "forbidden", "project_id is not one of your projects");
      }
    }
  });
});

test("what was refused changed nothing", async () => {
  expect(await everything()).toEqual(before);
});

describe.each(named)("%s takes no parameter that it does not know:", (_, route) => {
  const known = queryOf(route);
  test.each<[query: string, name: string]>([
    ["nonsense=1", "nonsense"],
    ["nonsense", "nonsense"],
    ["nonsense=", "nonsense"],
    ["Limit=5", "Limit"],
    ["dryrun=true", "dryrun"],
    ["dry_run=true", "dry_run"],
    ["nonsense=1&nonsense=2", "nonsense"],
    ["__proto__=1", "__proto__"],
    ["a%5Bb%5D=1", "a[b]"],
    ...(route.method === "get" ? [["dryRun=true", "dryRun"] as [string, string]] : []),
  ])("%s", async (query, name) => {
    const authorization = route.scope ? bearer({}).authorization : "";
    const answer = await ask(route, demo, { authorization }, `${known}&${query}`);
    const { details } = refused(answer, 400, "validation_error", `unknown query parameter ${name}`);
    expect(details).toEqual([`${name}: unknown parameter`]);
  });
});

/** How much there is of everything, and all that is kept of the run and of the operation: runs of other tests may go on. */
async function kept({ workflowRunID = "", operationID = "" }: Ids) {
  const { db, temporal } = stack.deps;
  const counted = ["jobs", "workflows", "workflow_versions", "workflow_runs", "bulk_operations"];
  counted.push("idempotency_keys", "documents");
  const ofRun = ["step_runs", "approvals", "event_triggers", "job_runs", "step_attempts", "run_commands"];
  const columns = [
    ...counted.map((table) => `(select count(*) from ${table}) as ${table}`),
    ...ofRun.map((table) => `(select json_agg(t order by t::text) from ${table} t where run_id = $1) as run_${table}`),
    "(select to_json(run) from workflow_runs run where id = $1) as run",
    "(select status from bulk_operations where id = $2) as operation",
    "(select count(*) from run_commands where run_id = $2) as operation_commands",
  ];
  const { rows } = await db.query(`select ${columns.join(", ")}`, [workflowRunID, operationID]);
  const { events } = await temporal.workflow.getHandle(workflowRunID).fetchHistory();
  return { ...rows[0], events: events?.length };
}

const acting = guarded.filter(([, { method }]) => method !== "get");

describe.each(acting)("%s with dryRun", (_, route) => {
  const { body, prepare } = caseOf(route);
  const query = queryOf(route);

  test("answers its plan, by parameter or body, and changes nothing; then it acts", async () => {
    const ids = prepare ? await prepare() : demo;
    const given = (body?.(ids) ?? {}) as object;
    const url = filled(route.path, ids);
    await scenarioOn(stack).rests({ id: ids.workflowRunID ?? "" });
    const before = await kept(ids);
    const options = { headers: { "idempotency-key": "one and the same" } };
    const asked: [string, unknown][] = [
      [`${query}&dryRun=true`, given],
      [query, { ...given, dry_run: true }],
      [`${query}&dryRun=false`, { ...given, dry_run: true }],
      [`${query}&dryRun=true`, { ...given, dry_run: false }],
    ];
    for (const [parameters, json] of asked) {
      const answer = await stack.request(route.method.toUpperCase(), url + parameters, json, options);
      expect(answer).toMatchObject({ status: 200, body: { dry_run: true } });
      expect(answer.headers.get("location")).toBeNull();
    }
    for (const value of ["", "yes", "TRUE", "1", "true&dryRun=false"]) {
      const answer = await stack.request(route.method.toUpperCase(), `${url}${query}&dryRun=${value}`, given, options);
      refused(answer, 400, "validation_error", "dryRun must be true or false");
    }
    for (const dry_run of ["true", 1, {}, []]) {
      const answer = await stack.request(route.method.toUpperCase(), url + query, { ...given, dry_run }, options);
      expect(refused(answer, 400, "validation_error", /./).details).toEqual(["dry_run: must be a boolean"]);
    }
    expect(await kept(ids)).toEqual(before);

    const act = await stack.request(route.method.toUpperCase(), `${url}${query}&dryRun=false`, given, options);
    expect(act.body).not.toHaveProperty("dry_run");
    expect(await kept(ids)).not.toEqual(before);
  });
});

describe.each(guarded)("%s answers", (_, route) => {
  test.each([
    ["with its one scope and the project", () => ({ scopes: [route.scope] })],
    ["with scopes as one text, and every project", () => ({ scopes: `x ${route.scope}`, projects: "*" })],
  ])("%s", async (_, claims) => {
    const { prepare } = caseOf(route);
    const ids = prepare ? await prepare() : demo;
    const answer = await ask(route, ids, bearer(claims()));
    expect({ status: answer.status, body: answer.body }).toMatchObject({ status: successOf(route) });
  });
});

describe.each(open)("%s is open", (_, route) => {
  test.each([
    ["without a token", {}],
    ["with a bad one", { authorization: "Bearer abc" }],
  ])("%s", async (_, headers) => {
    expect((await ask(route, demo, headers)).status).toBe(successOf(route));
  });
});

describe("another project's caller", () => {
  test("sees nothing of demo in a list", async () => {
    const token = stack.token({ projects: ["other"] });
    for (const list of LISTS) expect(await ok(stack, "GET", list, undefined, { token })).toEqual([]);
  });

  test("cannot build on demo's jobs and workflows: they are as unknown as any", async () => {
    const token = stack.token({ projects: ["other"] });
    const asked = (step: object) =>
      stack.request("POST", "/v1/workflows", { name: "x", slug: "x", steps: [{ step_ref: "a", ...step }] }, { token });
    for (const id of [demo.jobID ?? "", UNKNOWN])
      refused(await asked({ job_id: id }), 400, "validation_error", `step "a" references unknown job "${id}"`);
    for (const id of [demo.workflowID ?? "", UNKNOWN]) {
      const message = `step "a" references unknown workflow "${id}"`;
      refused(await asked({ step_type: "sub_workflow", sub_workflow_id: id }), 400, "validation_error", message);
    }
  });

  test("cannot send to demo's event: it is as unknown as any", async () => {
    const token = stack.token({ projects: ["other"] });
    const send = (key: string) => stack.request("POST", `/v1/events/${key}/send`, undefined, { token });
    const answer = await send("key of demo");
    refused(answer, 404, "not_found", "event trigger not found");
    expect(visible(answer)).toEqual(visible(await send("key of nobody")));
  });

  test("may use demo's slugs and event keys for its own", async () => {
    const token = stack.token({ projects: ["other"] });
    const slug = `shared-${++slugs}`;
    for (const options of [{}, { token }])
      await ok(stack, "POST", "/v1/workflows", { name: "x", slug, steps: [wait("w", "shared key")] }, options);
    const workflow = await ok<{ id: string }[]>(stack, "GET", "/v1/workflows", undefined, { token });
    await ok(stack, "POST", `/v1/workflows/${workflow[0]?.id}/trigger`, undefined, { token });
    refused(await stack.request("POST", "/v1/events/shared key/send"), 404, "not_found", "event trigger not found");
  });
});
