import type { RequestHandler } from "express";
import { z } from "zod";
import { parseJson } from "../contract/json.ts";
import { problem } from "../contract/answers/problem.ts";
import { type Answer, written } from "./answer.ts";
import { answersOf, type DocumentedAnswer } from "./answers.ts";
import type { Route } from "./route.ts";

/**
 * For the tests: what the document does not tell of is no answer. It becomes a 500, and its line in the log says what is
 * wrong. Without a route there is nothing but refusals.
 */
export function checkAnswers(route?: Route): RequestHandler {
  const answers = route && answersOf(route);
  const name = route ? `${route.method.toUpperCase()} ${route.path}` : "no route";
  const check = (answer: Answer) => {
    const { status = 200 } = answer;
    const documented = answers ? answers.get(status) : REFUSED;
    const wrong = documented ? wrongIn(answer, documented) : "the status";
    if (wrong !== undefined) throw new Error(`${name} answers ${status}, and undocumented is ${wrong}`);
  };
  return (_request, response, next) => {
    response.locals.check = check;
    next();
  };
}

const REFUSED = {
  schemas: [problem],
  headers: ["WWW-Authenticate", "Retry-After"],
} satisfies Partial<DocumentedAnswer>;

/** As it goes over the wire, so that absent members are, and documents are what is in them. */
function wrongIn(
  answer: Answer,
  { schemas, headers, codes }: Pick<DocumentedAnswer, "schemas" | "headers" | "codes">,
): string | undefined {
  const header = Object.keys(answer.headers ?? {}).find((name) => !(headers as string[]).includes(name));
  if (header !== undefined) return `the header ${header}`;
  const { text } = written(answer, "");
  const body = text === "" ? undefined : parseJson(text);
  const results = schemas.map((schema) => schema.safeParse(body));
  if (!results.some(({ success }) => success))
    return results.map(({ error }) => error && z.prettifyError(error)).join("\nor ");
  const refusal = codes && problem.safeParse(body).data;
  return refusal && !codes.includes(refusal.code) ? `the code ${refusal.code}` : undefined;
}
