import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createWorkflowBody } from "../../src/contract/create-workflow.ts";
import { type Json, parseJson, stringifyJson } from "../../src/contract/json.ts";
import { stepInput } from "../../src/contract/steps.ts";
import { createJob, createWorkflow, gate, ok } from "../api/definitions.ts";
import { BODIES, type BodyOf, DOCUMENTS, IGNORED_FIELDS, MAPS, type Members, UNKNOWN } from "./drafts.ts";
import { draftWorkflow, type Made } from "./workflow-drafts.ts";
import { each, expectRefusal, pairs, REFUSED, short, STRANGE } from "./text.ts";
import { refused } from "../api/shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";

type Path = (string | number)[];

const MANY = Array.from({ length: 100 }, (_, i) => gate(`gate-${i}`, { depends_on: i ? ["gate-0"] : [] }));

let stack: Stack;
let made: Made;

beforeAll(async () => {
  stack = await startStack();
  const job = await createJob(stack);
  const [one, many] = [await createWorkflow(stack, [gate("gate")]), await createWorkflow(stack, MANY)];
  const run = await ok<Members>(stack, "POST", `/v1/workflows/${many.id}/trigger`);
  made = {
    ids: {
      jobID: job.id,
      jobSlug: job.slug,
      workflowID: one.id,
      workflowSlug: one.slug,
      workflowRunID: String(run.id),
      runID: UNKNOWN,
      stepRef: "gate-0",
      ...{ eventKey: "key", prefix: "key" },
      operationID: UNKNOWN,
    },
    jobUrl: stack.jobs.url,
  };
});
afterAll(() => stack.stop());

let spent = 0;
const paramsOf = ({ spends }: BodyOf) => ({ ...made.ids, ...(spends && { stepRef: `gate-${++spent}` }) });
const filled = (path: string, params: Record<string, string>) =>
  path.replace(/:(\w+)/g, (_, name) => params[name] ?? "");
const send = ({ method = "POST", route }: BodyOf, body: string, params = made.ids) =>
  stack.request<Members>(method, filled(route, params), body);

const cases = BODIES.map((body) => [`${body.method ?? "POST"} ${body.route}`, body] as const);

/** Every place in a draft, except inside of what may be anything. */
function* places(value: unknown, free: string[], path: Path = []): Generator<{ path: Path; value: unknown }> {
  if (path.length > 0) yield { path, value };
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value))
    if (!free.includes(key)) yield* places(member, free, [...path, Array.isArray(value) ? Number(key) : key]);
}
const placesIn = ({ route, draft }: BodyOf) =>
  Array.from(places(draft(made), [...DOCUMENTS, ...(IGNORED_FIELDS[route] ?? [])]));
const written = (path: Path) =>
  path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`))
    .join("")
    .replace(/^\./, "");

function withValue(whole: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const copy = Array.isArray(whole) ? [...whole] : { ...(whole as Members) };
  // Not an assignment: "__proto__" shall be a member like any other.
  Object.defineProperty(copy, key, {
    value: withValue(Reflect.get(copy, key), rest, value),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}
const at = (whole: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, key) => (Object.hasOwn(Object(value), key) ? Reflect.get(Object(value), key) : undefined),
    whole,
  );

function fieldsOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodPipe) return [...fieldsOf(schema.in), ...fieldsOf(schema.out)];
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

describe("the drafts of this file", () => {
  test.each(cases)("%s: every field of its schema is in it, and it is taken", (_, { schema, draft, instead = [] }) => {
    const body = draft(made);
    expect([...Object.keys(body), ...instead].sort()).toEqual(fieldsOf(schema).sort());
    expect(schema.safeParse(body).error).toBeUndefined();
    if (schema === createWorkflowBody)
      expect([...new Set(draftWorkflow(made).steps.flatMap(Object.keys))].sort()).toEqual(fieldsOf(stepInput).sort());
  });
});

describe("a value of the wrong type is a 400 that names the field", () => {
  const exact = parseJson("1.50000000000000000001");
  const values = [true, 7, 1.5, exact, "text", [], [7], {}, { a: 7 }];
  const kind = (value: unknown) => (Array.isArray(value) ? "array" : Number(value) === 1.5 ? "fraction" : typeof value);
  // The published clients' own form of it.
  const welcome = (path: Path, value: unknown) => written(path) === "step_overrides" && short(value) === "{}";

  test.each(cases)("%s", async (_, body) => {
    const wrongs = placesIn(body).flatMap(({ path, value }) => {
      const inMap = typeof path.at(-1) === "number" || MAPS.includes(String(path.at(-2)));
      const others = [...values, ...(inMap ? [null] : [])];
      return others
        .filter((other) => kind(other) !== kind(value) && !welcome(path, other))
        .map((other) => ({ path, other }));
    });
    await each(wrongs, async ({ path, other }) => {
      const label = `${written(path)}: ${short(other)}`;
      const answer = await send(body, stringifyJson(withValue(body.draft(made), path, other) as Json));
      expect(answer, label).toMatchObject({ status: 400 });
      const { details = [] } = refused(answer, 400, "validation_error", /^(invalid request body|validation failed)$/);
      expect(
        details.some((detail) => detail.startsWith(written(path))),
        `${label}: ${details}`,
      ).toBe(true);
      if (other === exact) expect(details.join(), label).not.toContain("LosslessNumber");
    });
  });

  test.each(cases)("%s: and a body that is no object", async (_, body) => {
    for (const text of ["[]", "7", "1.50000000000000000001", '"text"', "true", "[{}]"]) {
      const { details } = refused(await send(body, text), 400, "validation_error", "invalid request body");
      expect(details, text).toEqual(["body: must be an object"]);
    }
  });
});

test.each(cases)("an unknown field is a 400 that names it: %s", async (_, body) => {
  const objects = [{ path: [], value: body.draft(made) }, ...placesIn(body)].filter(
    ({ path, value }) => Object(value) === value && !Array.isArray(value) && !MAPS.includes(String(path.at(-1))),
  );
  for (const { path } of objects)
    for (const name of ["nope", "null", "__proto__", "constructor", "toString", ""]) {
      const value = name === "null" ? null : { a: 1 };
      const where = written([...path, name]) || "body";
      const answer = await send(body, JSON.stringify(withValue(body.draft(made), [...path, name], value)));
      expect(refused(answer, 400, "validation_error", "invalid request body").details).toEqual([
        `${where}: unknown field`,
      ]);
    }
});

describe("a body that is not JSON", () => {
  const bytes = (...values: number[]) => Buffer.from(values);
  const bad: [what: string, body: string | Buffer, detail: RegExp][] = [
    ...[
      "{",
      '{"a":1',
      "{a:1}",
      "{'a':1}",
      '{"a":1,}',
      "nope",
      "NaN",
      "{}{}",
      "{} x",
      "{}]",
      '"\\x41"',
      '{"a":01}',
      "\0",
      "\0{}",
    ].map((text): [string, string, RegExp] => [JSON.stringify(text), text, /^body: malformed JSON$/]),
    ["a control character in a string", '{"reason":"a\nb"}', /malformed JSON/],
    ["a NUL in a string", '{"reason":"a\0b"}', /malformed JSON/],
    ["no UTF-8", Buffer.concat([Buffer.from('{"reason":"'), bytes(0xff, 0xfe), Buffer.from('"}')]), /not UTF-8/],
    ["half a surrogate pair, as bytes", bytes(0x22, 0xed, 0xa0, 0x80, 0x22), /not UTF-8/],
    ["overlong UTF-8", bytes(0x22, 0xc0, 0xaf, 0x22), /not UTF-8/],
    ["deep nesting", `${"[".repeat(100_000)}`, /nested deeper than 200 levels/],
    [
      "deep nesting that is closed",
      `{"payload":${"[".repeat(500)}${"]".repeat(500)}}`,
      /nested deeper than 200 levels/,
    ],
    ["deep objects", `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`, /nested deeper than 200 levels/],
  ];
  test.each(bad)("%s is a 400 on every route that has one", async (_, body, detail) => {
    for (const { method = "POST", route } of BODIES) {
      const answer = await fetch(stack.apiUrl + filled(route, made.ids), {
        method,
        headers: { authorization: `Bearer ${stack.token()}` },
        body: Buffer.from(body as never),
      });
      const read = { status: answer.status, headers: answer.headers, body: parseJson(await answer.text()) };
      expect(refused(read, 400, "validation_error", "invalid request body").details).toEqual([
        expect.stringMatching(detail),
      ]);
    }
  });
});

describe("hostile text in every string of a body", () => {
  const strings = (body: BodyOf) => placesIn(body).filter(({ value }) => typeof value === "string");

  test.each(cases)("is refused where it cannot be kept: %s", async (_, body) => {
    const kept = strings(body).filter(({ path }) => path[0] !== "workflow_run_ids");
    await each(pairs(kept, REFUSED), async ([{ path }, hostile]) => {
      if (
        ["description", "reason", "comment", "approval_text"].includes(String(path.at(-1))) &&
        hostile.includes("\r\n")
      )
        return;
      const label = `${written(path)}: ${short(hostile)}`;
      const answer = await send(body, JSON.stringify(withValue(body.draft(made), path, hostile)));
      expectRefusal(answer, label);
      expect(answer.status, label).toBe(400);
    });
  });

  test.each(cases)("is refused, or reads back unchanged: %s", async (_, body) => {
    await each(pairs(strings(body), STRANGE), async ([{ path }, strange]) => {
      const label = `${written(path)}: ${short(strange)}`;
      const params = paramsOf(body);
      const answer = await send(body, JSON.stringify(withValue(body.draft(made), path, strange)), params);
      if (answer.status >= 300) expectRefusal(answer, label);
      // Empty text says the same as none.
      else if (body.readAt && strange !== "" && !path.some((name) => body.notShown?.includes(String(name)))) {
        const read = await ok<Members | Members[]>(stack, "GET", body.readAt(answer.body, made));
        const step = Array.isArray(read) && read.find(({ step_ref }) => step_ref === params.stepRef);
        expect(step ? step.error : at(read, path), label).toBe(strange);
      }
    });
  });

  test.each(cases.filter(([, { schema }]) => fieldsOf(schema).includes("tags")))(
    "the names of tags too: %s",
    async (_, body) => {
      await each([...STRANGE, ...REFUSED], async (name) => {
        const answer = await send(body, JSON.stringify(withValue(body.draft(made), ["tags", name], "v")));
        if (REFUSED.includes(name) || name === "") expect(answer.status, short(name)).toBe(400);
        if (answer.status >= 300) expectRefusal(answer, short(name));
        else {
          const read = await ok<Members>(stack, "GET", body.readAt?.(answer.body, made) ?? "");
          expect(at(read, ["tags", name]), short(name)).toBe("v");
        }
      });
    },
  );
});

test("after all of it the API is well", async () => {
  expect(await ok(stack, "GET", "/health/ready")).toMatchObject({ status: "up" });
  expect(await ok<Members[]>(stack, "GET", `/v1/workflow-runs/${made.ids.workflowRunID}/steps`)).toHaveLength(100);
});
