import express, { type ErrorRequestHandler } from "express";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import type { Deps } from "../../src/deps.ts";
import type { Answer } from "../../src/http/answer.ts";
import { checkAnswers } from "../../src/http/check-answers.ts";
import { answerProblems } from "../../src/http/problems.ts";
import { requestId } from "../../src/http/requests/request-id.ts";
import { openRoute } from "../../src/http/route.ts";
import { Problem } from "../../src/errors.ts";
import { serve } from "../../src/runtime/http-server.ts";

const closes: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(closes.map((close) => close())));

/** What a route is answered that declares `{ id: string }`, 202 with `{ id: string, at?: number }` and 204, and answers this. */
async function answeredWith(answer: () => Answer) {
  const route = openRoute({
    path: "/thing",
    operationId: "getThing",
    tag: "Service",
    summary: "A thing",
    returns: {
      200: z.strictObject({ id: z.string() }),
      202: z.strictObject({ id: z.string(), at: z.number().optional() }),
      204: z.undefined(),
    },
    answer: async () => answer() as never,
  });
  const errors: string[] = [];
  const hear: ErrorRequestHandler = (error, _request, _response, next) => {
    errors.push(error.message);
    next(error);
  };
  const app = express();
  app.use(requestId);
  app.get(route.path, checkAnswers(route), route.handler({} as Deps));
  app.use(hear, answerProblems, hear, answerProblems);
  const { port, close } = await serve(app, "127.0.0.1", 0);
  closes.push(close);
  const response = await fetch(`http://127.0.0.1:${port}${route.path}`);
  return { status: response.status, body: JSON.parse((await response.text()) || "null"), errors };
}

test("what is declared is answered", async () => {
  expect(await answeredWith(() => ({ body: { id: "a" } }))).toMatchObject({ status: 200, body: { id: "a" } });
  const accepted = () => ({ status: 202, headers: { Location: "/a" }, body: { id: "a", at: undefined } });
  expect(await answeredWith(accepted)).toMatchObject({ status: 202, body: { id: "a" } });
  expect(await answeredWith(() => ({ status: 204 }))).toMatchObject({ status: 204, body: null });
});

const undeclared: [what: string, answer: Answer, wrong: RegExp][] = [
  ["a member", { body: { id: "a", more: 1 } }, /Unrecognized key: "more"/],
  ["a missing member", { body: {} }, /→ at id/],
  ["a null", { status: 202, body: { id: "a", at: null } }, /→ at at/],
  ["a status", { status: 201, body: { id: "a" } }, /the status/],
  ["a header", { headers: { Location: "/a" }, body: { id: "a" } }, /the header Location/],
];
test.each(undeclared)("%s that is not declared becomes a 500, and its error says so", async (_, answer, wrong) => {
  const { status, body, errors } = await answeredWith(() => answer);
  expect({ status, body }).toMatchObject({ status: 500, body: { code: "internal_error" } });
  expect(errors).toEqual([expect.stringMatching(wrong)]);
});

test("a refusal that a route like this has no use for becomes a 500", async () => {
  const { status, errors } = await answeredWith(() => {
    throw new Problem("conflict", "taken");
  });
  expect({ status, errors }).toEqual({
    status: 500,
    errors: ["taken", "GET /thing answers 409, and undocumented is the status"],
  });
});
