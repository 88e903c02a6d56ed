import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { openApi } from "../http/openapi.ts";

type Schema = { type?: string; oneOf?: Schema[]; anyOf?: Schema[] };
type Message = { properties: { data: { contentSchema: Schema } } };
type Content = { "application/json"?: { schema: Schema }; "text/event-stream"?: { schema: Message } };
type Answer = { headers?: object; content?: Content };
type Operation = { responses: Record<string, Answer> };

/** Writes the TypeScript client of this document. How it looks is said in redocly.yaml. */
export function generateClient(document: ReturnType<typeof openApi>, file: string): void {
  const dir = mkdtempSync(join(tmpdir(), "openapi-"));
  const source = join(dir, "openapi.json");
  writeFileSync(source, JSON.stringify(asOneAnswer(document)));
  execFileSync("npx", ["redocly", "generate-client", source, "--config", "redocly.yaml", "--output", file], {
    stdio: "pipe",
  });
  // It knows of browsers, whose types Node's are not.
  writeFileSync(file, `// @ts-nocheck\n${readFileSync(file, "utf8")}`);
  rmSync(dir, { recursive: true });
}

/** The generator takes the first success for the only one, where a plan is 200 and what was done 201. The client asks below /envelope. */
function asOneAnswer(document: ReturnType<typeof openApi>): object {
  const paths = Object.entries(document.paths).map(([path, operations]) => [
    path,
    Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => [method, merged(operation as Operation)]),
    ),
  ]);
  return { ...document, paths: Object.fromEntries(paths) };
}

function merged(operation: Operation): Operation {
  const successes = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
  const refusals = Object.entries(operation.responses).filter(([status]) => !status.startsWith("2"));
  const [[status, first] = ["200", {}]] = successes;
  const headers = Object.assign({}, ...successes.map(([, answer]) => answer.headers));
  const schemas = successes.flatMap(([, { content }]) => alternativesOf(content?.["application/json"]?.schema));
  const schema = schemas.length > 1 ? { anyOf: schemas } : schemas[0];
  const content = schema ? { "application/json": { schema } } : asData(first.content);
  return { ...operation, responses: Object.fromEntries([[status, { ...first, headers, content }], ...refusals]) };
}

/** Of a stream the generator takes the data of a message for the whole of it. */
const asData = (content: Content | undefined) => {
  const message = content?.["text/event-stream"]?.schema;
  return message && { "text/event-stream": { schema: message.properties.data.contentSchema } };
};

function alternativesOf(schema: Schema | undefined): Schema[] {
  if (schema === undefined) return [];
  const { oneOf, anyOf } = schema;
  const alternatives = (oneOf ?? anyOf)?.flatMap(alternativesOf) ?? [schema];
  return anyOf ? alternatives.filter(({ type }) => type !== "array") : alternatives;
}
