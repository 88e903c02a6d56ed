import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { jobHeaders } from "../../activities/endpoint/job-headers.ts";
import { answerOf } from "../../src/http/problems.ts";
import { createWorkflowBody } from "../../src/contract/create-workflow.ts";
import { createJobBody } from "../../src/contract/jobs/jobs.ts";
import { stepInput } from "../../src/contract/steps.ts";
import { triggerBody } from "../../src/contract/trigger.ts";
import { IGNORED, withoutEffectIn, UNSUPPORTED } from "../../src/contract/without-effect.ts";
import type { ErrorCode } from "../../src/contract/answers/problem.ts";
import { Problem } from "../../src/errors.ts";
import type { FailureClass } from "../../workflows/failure-classes.ts";
import { job, planWith } from "../engine/plans.ts";
import { nextAttemptAt } from "../../workflows/engine/steps/retries.ts";
import { initialRun } from "../../workflows/engine/run.ts";
import { stepsProblem } from "../../workflows/engine/definition/validate.ts";
import { parseCondition } from "../../workflows/expressions/condition-parser.ts";
import type { Json } from "../../src/contract/json.ts";

const page = readFileSync(new URL("../../docs/definitions.md", import.meta.url), "utf8");

type Row = Record<string, string>;

/** The first table under a heading, by the names of its columns. */
function tableOf(heading: string): Row[] {
  const [, section = ""] = page.split(new RegExp(`^#+ ${heading}$`, "m"));
  const [table = ""] = /(^\|.*\n)+/m.exec(section) ?? [];
  const [head = [], , ...rows] = table
    .trim()
    .split("\n")
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
  return rows.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ""])));
}

/** What stands in a cell as code and nothing else. */
const codeIn = (cell = ""): string | undefined => /^`([^`]*)`$/.exec(cell)?.[1];

function fieldsOf(schema: z.core.$ZodType): Record<string, z.core.$ZodType> {
  if (schema instanceof z.ZodPipe) return { ...fieldsOf(schema.in), ...fieldsOf(schema.out) };
  return schema instanceof z.ZodObject ? schema.shape : {};
}

/** As the column "default" writes it. An empty step_ref is refused like one that is left out. */
function defaultOf(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodDefault && schema.def.defaultValue !== "")
    return `\`${JSON.stringify(schema.def.defaultValue)}\``;
  return z.safeParse(schema, undefined).success && !(schema instanceof z.ZodDefault) ? "" : "required";
}

describe.each([
  { of: "A workflow", schema: createWorkflowBody, ignored: IGNORED.workflow, unsupported: UNSUPPORTED.workflow },
  { of: "A step", schema: stepInput, ignored: [], unsupported: {} },
  { of: "A job", schema: createJobBody, ignored: IGNORED.job, unsupported: UNSUPPORTED.job },
  { of: "A trigger", schema: triggerBody, ignored: IGNORED.trigger, unsupported: {} },
])("the fields of $of in docs/definitions.md", ({ of, schema, ignored, unsupported }) => {
  const rows = tableOf(of);
  const fields = fieldsOf(schema);
  const saying = (beginning: string) =>
    rows.filter(({ effect = "" }) => effect.startsWith(beginning)).map(({ field }) => codeIn(field));

  test("are those of its schema", () => {
    expect(rows.map(({ field }) => codeIn(field)).sort()).toEqual(Object.keys(fields).sort());
  });

  test("have the defaults of its schema", () => {
    const told = Object.fromEntries(rows.map(({ field, default: standard }) => [codeIn(field), standard]));
    expect(told).toEqual(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, defaultOf(field)])));
  });

  test("say their type and their effect", () => {
    expect(rows.filter(({ type, effect }) => !type || !effect)).toEqual([]);
  });

  test("are said to be ignored or refused where they are", () => {
    expect(saying("Ignored").sort()).toEqual([...ignored].sort());
    expect(saying("Refused").sort()).toEqual(Object.keys(unsupported).sort());
  });
});

test("docs/definitions.md says for which types each field of a step counts", () => {
  const types = ["job", "approval", "wait_for_event", "sleep", "sub_workflow"];
  // Under its other name, a field has become the one that it names.
  const others = ["type", "approvers", "timeout_secs", "sleep_duration"];
  const values: Record<string, unknown> = {
    depends_on: ["a"],
    approval_approvers: ["ada"],
    approvals_required: 1,
    approval_reject: "first",
    approval_exclude: ["created_by"],
    approval_on_timeout: "skip",
    approval_escalation: [{ after_secs: 1, approvers: ["ada"] }],
    approval_links: [{ url: "https://example.org" }],
    approval_options: ["ship"],
  };
  const counts = (field: string, step_type: string): boolean => {
    const value = values[field] ?? (/secs|attempts|depth/.test(field) ? 1 : "x");
    const step = stepInput.parse({ step_ref: "s", step_type, ...(field !== "step_type" && { [field]: value }) });
    return withoutEffectIn([step]).length === 0;
  };
  for (const { field = "", for: told = "" } of tableOf("A step")) {
    const name = codeIn(field) as string;
    if (others.includes(name)) continue;
    const found = types.filter((type) => counts(name, type));
    expect([name, told]).toEqual([name, found.length === types.length ? "all" : found.join(", ")]);
  }
});

test("the error codes of docs/definitions.md are those that there are, with their statuses", () => {
  // The compiler names what is missing.
  const codes: Record<ErrorCode, true> = {
    validation_error: true,
    invalid_state: true,
    approver_not_allowed: true,
    unauthorized: true,
    forbidden: true,
    not_found: true,
    method_not_allowed: true,
    conflict: true,
    payload_too_large: true,
    rate_limited: true,
    internal_error: true,
    unavailable: true,
  };
  const known = (Object.keys(codes) as ErrorCode[]).map((code) => [code, answerOf(new Problem(code, ""), "").status]);
  expect(tableOf("Error codes").map(({ code, status }) => [codeIn(code), Number(status)])).toEqual(known);
});

test("the failure classes of docs/definitions.md are those that there are, and it says which are tried again", () => {
  const classes: Record<FailureClass, true> = {
    client: true,
    auth: true,
    rate_limited: true,
    server: true,
    timeout: true,
    connection: true,
    transient: true,
    template: true,
    budget: true,
    oom: true,
    unknown: true,
  };
  const { plan, state } = initialRun(planWith([job("a")]));
  const [definition, step] = [plan.steps[0], state.steps[0]];
  if (!definition || !step) throw new Error("there is one step");
  const isTriedAgain = (failure: string) =>
    nextAttemptAt(definition, step, { at: 0, class: failure, job_max_attempts: 3, random: 0 }) !== undefined;
  const told = tableOf("Failure classes").map(({ class: name, "tried again": again }) => [codeIn(name), again]);
  expect(told).toEqual(Object.keys(classes).map((name) => [name, isTriedAgain(name) ? "yes" : "no"]));
});

test("the headers of a call in docs/definitions.md are those that it has", () => {
  const sources = { project_id: "p", run_id: "0190" };
  const call = { job_id: "j", job_run_id: "r", step_ref: "s", attempt: 2, previous_error: "e", sources };
  const added = ["X-Run-Token", "Accept-Encoding"];
  const told = tableOf("How a job is called").flatMap(({ header = "" }) => header.replaceAll("`", "").split(", "));
  expect(told.sort()).toEqual([...Object.keys(jobHeaders(call)), ...added].sort());
});

test("the examples of docs/definitions.md are taken", () => {
  const examples = [...page.matchAll(/^```json\n(.*?)^```/gms)].map(([, text = ""]) => JSON.parse(text) as Json);
  const [workflow, ...others] = examples;
  expect(stepsProblem(createWorkflowBody.parse(workflow).steps)).toBeUndefined();
  for (const example of others) {
    if (typeof example !== "object" || example === null) throw new Error("an example is an object");
    if ("type" in example) parseCondition(example);
    else if ("step_ref" in example) stepInput.parse({ ...example, job_id: "j" });
    else expect(example).toMatchObject({ code: "validation_error" });
  }
});
