import { expect, test } from "vitest";
import type { Json } from "../../src/contract/json.ts";
import type { StepInput } from "../../src/contract/steps.ts";
import { given } from "../engine/given.ts";
import { job } from "../engine/plans.ts";
import { stepsProblem } from "../../workflows/engine/definition/validate.ts";
import { timesAsLong } from "../stack/cost.ts";

const HEAVY = "(a?){1000}a{1000}";
const search = (right: string, left: Json = "a".repeat(15_000)): Json => ({ type: "regex", left, right });
const TOO_MUCH = /^step "s\d+": the regular expressions of this workflow's conditions are together too large/;

const definition = (conditions: Json[]): StepInput[] =>
  conditions.map((condition, i) => ({
    ...{ step_ref: `s${i}`, step_type: "job", job_id: "job-1", depends_on: i === 0 ? [] : ["s0"] },
    ...{ on_failure: "fail_workflow", retry_backoff: "exponential", resource_class: "small", condition },
  }));

/** This tag is none, and as long as a value of the run may be, to be searched. */
const tagSearches = (many: number, tag: Json = `v1.${"x".repeat(1021)}`): Json[] =>
  Array(many).fill(search("^v[0-9]+\\.[0-9]+$", tag));
const AS_PEOPLE_WRITE = tagSearches(118, { ref: "payload.tag" });

const problem = (conditions: Json[]): string | undefined => stepsProblem(definition(conditions))?.message;

test.each<[string, Json[]]>([
  ["sixty heavy patterns", Array(60).fill(search(HEAVY))],
  ["one, on much text", [search(HEAVY)]],
  ["some, on no text", Array(3).fill(search(HEAVY, ""))],
  ["thousands within one condition", [{ type: "all_of", conditions: Array(300).fill(search("(?:\\pL?){50}", "")) }]],
  ["a few a step", Array(1000).fill({ type: "any_of", conditions: Array(13).fill(search("(a?){100}", "")) })],
  ["heavy ones on a value of the run", Array(2).fill(search("(a?){500}a{500}", { ref: "payload.text" }))],
  ["repeated within repetitions", Array(4).fill(search("(((a?){9}b?){9}c?){9}d?", ""))],
])("%s are refused, and that takes a moment", async (_, conditions) => {
  expect(problem(conditions)).toMatch(TOO_MUCH);
  const taken = () => problem(AS_PEOPLE_WRITE);
  expect(await timesAsLong(() => problem(conditions), taken)).toBeLessThan(10);
});

test("one pattern that is too large by itself is no valid one", () => {
  expect(problem([search(`(${"a".repeat(900)}){1000}`, "")])).toContain(
    "condition.right is not a valid pattern: it is too large",
  );
});

test("patterns as people write them are taken, a hundred of them", () => {
  expect(problem(AS_PEOPLE_WRITE)).toBeUndefined();
  expect(problem(tagSearches(119))).toMatch(TOO_MUCH);
  expect(problem(Array(200).fill(search("^(completed|skipped)$", { step_ref: "s0" })))).toBeUndefined();
});

test("a definition that was stored before they were counted fails its steps instead of holding its worker", async () => {
  const begun = (pattern: string) => {
    const steps = Array.from({ length: 60 }, (_, i) =>
      job(`s${i}`, [], { condition: search(pattern), on_failure: "continue" }),
    );
    return given([job("fine", [], { condition: search("^a+$") }), ...steps]);
  };
  const run = begun(HEAVY);
  expect(run.state("fine").status).toBe("running");
  for (let i = 0; i < 60; i++)
    expect(run.state(`s${i}`).error).toMatch(/^condition of step s\d+: the regular expressions/);
  const usual = () => begun("^a+$");
  expect(await timesAsLong(() => begun(HEAVY), usual)).toBeLessThan(10);
});

test("runs of a definition that was stored while twice as much could be searched go on", () => {
  const statusOfLast = (many: number) => {
    const steps = tagSearches(many).map((condition, i) => job(`s${i}`, [], { condition, on_failure: "continue" }));
    return given(steps).state(`s${many - 1}`).status;
  };
  expect([237, 238].map(statusOfLast)).toEqual(["skipped", "failed"]);
});
