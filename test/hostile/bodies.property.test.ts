import { expect, test } from "vitest";
import fc from "fast-check";
import { createWorkflowBody, type CreateWorkflowBody } from "../../src/contract/create-workflow.ts";
import { MAX_ISSUES } from "../../src/contract/fields.ts";
import { updateWorkflowBody } from "../../src/contract/definitions/update-workflow.ts";
import { simulateWorkflowBody } from "../../src/contract/simulation/simulations.ts";
import { retryBody } from "../../src/contract/verbs.ts";
import { workflowPolicyBody } from "../../src/contract/definitions/workflow-policies.ts";
import { Problem } from "../../src/errors.ts";
import { jsonOf } from "../../src/http/body.ts";
import { parseBody } from "../../src/http/validation.ts";
import { stepsProblem } from "../../workflows/engine/definition/validate.ts";
import { timesAsLong } from "../stack/cost.ts";
import { BODIES, type BodyOf, type Members, UNKNOWN } from "./drafts.ts";
import { draftChange, draftPolicy } from "./workflow-drafts.ts";

const BYTES = 200_000;
/** How many times longer than a right one of its size a wrong body may take: what grows with its square takes hundreds of times as long. */
const MOST = 8;

const made = {
  ids: { jobID: UNKNOWN, workflowID: UNKNOWN, workflowRunID: UNKNOWN },
  jobUrl: (path: string) => `http://x${path}`,
};
const payloads = () => ({ payload: {}, step_payloads: {} });
const bodies = [
  ...BODIES,
  { route: "retry of a step", schema: retryBody, draft: payloads },
  { route: "retry of a run", schema: retryBody, draft: () => ({ ...payloads(), version: "latest" }) },
  {
    route: "simulation",
    schema: simulateWorkflowBody,
    draft: () => ({ payload: {}, step_overrides: [{ step_ref: "a" }], outcomes: { a: { output: 1, failure: {} } } }),
  },
  { route: "change", schema: updateWorkflowBody, draft: draftChange },
  { route: "policy", schema: workflowPolicyBody, draft: draftPolicy },
];

/** All that is done with a body before anything is waited for. */
function read({ schema }: Pick<BodyOf, "schema">, text: Buffer): Problem | undefined {
  try {
    const body = parseBody(schema, jsonOf(text));
    if (schema === createWorkflowBody) stepsProblem((body as CreateWorkflowBody).steps);
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

const repeated = (unit: string, bytes = BYTES) => unit.repeat(Math.max(1, Math.floor(bytes / unit.length)));
const listOf = (unit: string, bytes?: number) => `[${repeated(`${unit},`, bytes).slice(0, -1)}]`;
/** JSON text, most of it, of about the same length whatever it is made of. */
const containers: Record<string, (unit: string) => string> = {
  list: (unit) => listOf(unit),
  "list of lists": (unit) =>
    `[${Array(10).fill(
      listOf(unit)
        .slice(0, BYTES / 10)
        .replace(/,[^,]*$/, "]"),
    )}]`,
  map: (unit) => `{${Array.from({ length: BYTES / (unit.length + 10) }, (_, i) => `"k${i}":${unit}`)}}`,
  deep: (unit) =>
    repeated(`${"[".repeat(150)}${unit}${"]".repeat(150)},`)
      .replace(/^/, "[")
      .replace(/,$/, "]"),
  "without end": (unit) => repeated(`[${unit},`),
  text: (unit) => JSON.stringify(repeated(unit)),
  "text without end": (unit) => `"${repeated(unit.replaceAll('"', '\\"'))}`,
  number: (unit) => `1${repeated(unit.replaceAll(/\D/g, "") || "0")}`,
};
const unit = fc.oneof(
  fc.constantFrom(
    "1",
    '""',
    "{}",
    "[]",
    "null",
    "true",
    '"a"',
    "-1e5",
    "1.5",
    "12345678901234567890",
    '{"a":1}',
    '{"step_ref":"a"}',
  ),
  fc.constantFrom(
    '"\\""',
    '"\\\\"',
    '"\\u0000"',
    '"\\ud800"',
    '"{{a.b}}"',
    '{"__proto__":1}',
    '{"type":"regex","left":"","right":"a{9}"}',
  ),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
);
const hostile = fc.record({
  body: fc.constantFrom(...bodies),
  field: fc.nat(),
  inStep: fc.boolean(),
  /** Only in a field that may hold many things. */
  wide: fc.boolean(),
  container: fc.oneof(fc.constantFrom("list", "map"), fc.constantFrom(...Object.keys(containers))),
  unit,
});

/** The draft of a body with that in one of its fields, or in one of its step's. */
function documentOf({
  body,
  field,
  inStep,
  wide,
  container,
  unit,
}: typeof hostile extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const draft: Members = body.draft(made);
  const steps = draft.steps as Members[] | undefined;
  const target = inStep && steps ? (steps[field % steps.length] as Members) : draft;
  const holdsMany = Object.keys(target).filter((name) => Object(target[name]) === target[name]);
  const names = wide && holdsMany.length > 0 ? holdsMany : [...Object.keys(target), "nope"];
  target[names[field % names.length] as string] = "HERE";
  const text = JSON.stringify(draft).replace('"HERE"', () => (containers[container] as (unit: string) => string)(unit));
  return Buffer.from(text);
}

test("whatever a body is, it takes no longer than a right one of its size, times a few", {
  timeout: 600_000,
}, async () => {
  const step = (i: number) =>
    `{"step_ref":"step-${i}","step_type":"approval","approvers":["ada","bob"],"depends_on":[${i ? `"step-${i - 1}"` : ""}],"payload":{"a":[1,"b",{"c":null}]}}`;
  const right = Buffer.from(`{"name":"n","slug":"s","steps":[${Array.from({ length: 150 }, (_, i) => step(i))}]}`);
  const usual = () => read({ schema: createWorkflowBody }, right);
  for (let i = 0; i < 3; i++) expect(usual()).toBeUndefined();

  await fc.assert(
    fc.asyncProperty(hostile, async (drawn) => {
      const text = documentOf(drawn);
      const problem = read(drawn.body, text);
      expect(problem?.details?.length ?? 0).toBeLessThanOrEqual(20);
      expect(JSON.stringify(problem?.details ?? []).length).toBeLessThan(10_000);
      const times = await timesAsLong(() => read(drawn.body, text), usual);
      expect(times).toBeLessThan((MOST * Math.max(text.length, BYTES)) / right.length);
    }),
    { numRuns: 300 },
  );
});

test("a body of numbers is read about as fast as one of texts, however they are written, or refused", async () => {
  const bytes = 1_000_000;
  const outcome = (text: Buffer) => {
    try {
      return void jsonOf(text);
    } catch (error) {
      return (error as Problem).details?.[0];
    }
  };
  const texts = Buffer.from(listOf('"a"', bytes));
  const forms = [
    "1e5",
    "-0.0e1",
    "1e-300",
    "1.5E+3",
    "0.1234567890123456",
    "12345678901234567",
    "0.12345678901234567890",
  ];
  const beyond = ["1.0e-309", "1e-999"];
  for (const form of [...forms, ...beyond]) {
    const numbers = Buffer.from(listOf(form, bytes));
    expect(outcome(numbers)).toBe(
      beyond.includes(form) ? "body: more than 65536 numbers with more digits than a double keeps" : undefined,
    );
    expect(
      await timesAsLong(
        () => outcome(numbers),
        () => outcome(texts),
      ),
      form,
    ).toBeLessThan(9);
  }
  expect(outcome(Buffer.from(listOf("{}", 2 * bytes)))).toBe("body: more than 524288 values");
});

test("no more is looked for than is told, whatever was refused before", () => {
  const wrong = Array.from({ length: 5_000 }, () => [7n]);
  const many = [wrong, Object.fromEntries(wrong.entries())];
  const refused = [7, Array(20_000).fill("x")];
  for (const { route, schema, draft } of bodies)
    for (const field in draft(made))
      for (const value of [...refused, ...many]) {
        const issues = schema.safeParse({ ...draft(made), [field]: value }).error?.issues ?? [];
        expect(issues.length, `${route}: ${field}`).toBeLessThanOrEqual(MAX_ISSUES);
      }
});
