import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routes } from "../../src/http/routes/index.ts";
import { SCOPES } from "../../src/identity/caller.ts";
import { ok, wait } from "../api/definitions.ts";
import { refused } from "../api/shapes.ts";
import type { Answered } from "../stack/harness.ts";
import {
  ask,
  begin,
  CASES,
  caseOf,
  demo,
  guarded,
  LISTS,
  named,
  open,
  queryOf,
  stack,
  successOf,
  UNKNOWN,
} from "./every-route.ts";
import { BAD_TOKENS, bearer } from "./tokens.ts";

let before: unknown;
beforeAll(async () => {
  await begin();
  before = await everything();
});
afterAll(() => stack.stop());

const everything = async () => {
  const more = ["/v1/workflow-policies/demo", `/v1/workflow-runs/${demo.workflowRunID}/steps`];
  return Promise.all([...LISTS, ...more].map((list) => ok(stack, "GET", list)));
};

/** Everything of an answer by which one could be told from another. */
const visible = ({ status, headers, body }: Answered<unknown>) => {
  const { date, "x-request-id": id, ...shown } = Object.fromEntries(headers);
  return { status, shown, body: { ...(body as object), request_id: "" } };
};

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
      } else if (route.path === "/v1/approvals/decide") {
        expect(answer.body).toMatchObject({ results: [{ status: "refused", code: "not_found" }] });
      } else if (route.path === "/v1/jobs/batch") {
        expect(answer.body).toMatchObject({
          created: 0,
          failed: 1,
          results: [{ status: "failed", code: "forbidden" }],
        });
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
    ...(!route.plans ? [["dryRun=true", "dryRun"] as [string, string]] : []),
  ])("%s", async (query, name) => {
    const authorization = route.scope ? bearer({}).authorization : "";
    const answer = await ask(route, demo, { authorization }, `${known}&${query}`);
    const { details } = refused(answer, 400, "validation_error", `unknown query parameter ${name}`);
    expect(details).toEqual([`${name}: unknown parameter`]);
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
    for (const list of LISTS)
      expect(await ok(stack, "GET", `/envelope${list}`, undefined, { token })).toMatchObject({ data: [] });
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
    const slug = "shared";
    for (const options of [{}, { token }])
      await ok(stack, "POST", "/v1/workflows", { name: "x", slug, steps: [wait("w", "shared key")] }, options);
    const workflow = await ok<{ id: string }[]>(stack, "GET", "/v1/workflows", undefined, { token });
    await ok(stack, "POST", `/v1/workflows/${workflow[0]?.id}/trigger`, undefined, { token });
    refused(await stack.request("POST", "/v1/events/shared key/send"), 404, "not_found", "event trigger not found");
  });
});
