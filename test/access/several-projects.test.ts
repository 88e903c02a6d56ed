import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { begin, caseOf, demo, filled, guarded, queryOf, stack, successOf } from "./every-route.ts";
import { bearer } from "./tokens.ts";
import { refused } from "../api/shapes.ts";
import type { Route } from "../../src/http/route.ts";

beforeAll(begin);
afterAll(() => stack.stop());

/** Their runs and jobs, named one by one, say which project each is of. */
const BY_ITEM = ["/bulk-cancel", "/bulk-replay", "/decide", "/jobs/batch"];
/** What is about a project, and no single thing of it. */
const ofProject = guarded.filter(([, { path }]) => !path.includes("ID") && !BY_ITEM.some((end) => path.endsWith(end)));

const inQuery = (route: Route) => queryOf(route) !== "?";
const ask = (route: Route, ids: Record<string, string>, projects: string[] | "*", project_id?: string) => {
  const { project_id: _, ...body } = (caseOf(route).body?.(ids) ?? {}) as { project_id?: string };
  const query = inQuery(route) && project_id !== undefined ? `?project_id=${project_id}` : "";
  const named = inQuery(route) || project_id === undefined ? body : { ...body, project_id };
  const given = route.method === "get" ? undefined : named;
  const options = { token: "", headers: bearer({ projects }) };
  return stack.request(route.method.toUpperCase(), filled(route.path, ids) + query, given, options);
};

describe.each(ofProject)("%s", (_, route) => {
  test("is of the caller's only project, and of the one that a caller of several names", async () => {
    const { prepare } = caseOf(route);
    const named: [projects: string[] | "*", project_id?: string][] = [
      [["demo"]],
      [["third", "demo"], "demo"],
      ["*", "demo"],
    ];
    for (const [projects, project_id] of named) {
      const answer = await ask(route, prepare ? await prepare() : demo, projects, project_id);
      expect({ status: answer.status, body: answer.body }).toMatchObject({ status: successOf(route) });
    }
  });

  test("refuses a caller of several who names none, and whoever names what is not theirs", async () => {
    for (const projects of [["third", "demo"], "*" as const])
      refused(await ask(route, demo, projects), 400, "validation_error", "project_id is required");
    for (const projects of [["demo"], ["third", "demo"]])
      for (const project_id of ["other", "no-such-project"])
        refused(
          await ask(route, demo, projects, project_id),
          403,
          "forbidden",
          "project_id is not one of your projects",
        );
  });
});

test("a token for no project is told what it lacks, also one whose projects are no list", async () => {
  const details = [
    "project_id: required",
    "token: is for no project: its claim projects has to be a list of them, or *",
  ];
  for (const projects of [[], undefined, "demo"]) {
    const headers = bearer({ projects });
    const { status, body } = await stack.request("GET", "/v1/jobs", undefined, { token: "", headers });
    expect({ status, body }).toMatchObject({ status: 400, body: { details } });
  }
  const headers = bearer({ projects: ["demo", "third"] });
  const { body } = await stack.request("GET", "/v1/jobs", undefined, { token: "", headers });
  expect(body).toMatchObject({ details: ["project_id: required"] });
});
