import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generateClient } from "../../src/cli/generate-client.ts";
import { openApi } from "../../src/http/openapi.ts";
import { routes } from "../../src/http/routes/index.ts";

test("openapi.json is the document of the routes as they are: npm run openapi", () => {
  const written = JSON.parse(readFileSync("openapi.json", "utf8"));
  expect(JSON.parse(JSON.stringify(openApi(routes)))).toEqual(written);
});

test("what the document gives as an example of a body is one", () => {
  const bodies = routes.flatMap(({ body }) => (body ? [body] : []));
  const examples = bodies.flatMap((body) => (body.meta()?.example ? [{ body, example: body.meta()?.example }] : []));
  expect(examples.length).toBeGreaterThan(20);
  for (const { body, example } of examples) expect(body.safeParse(example).error).toBeUndefined();
});

test("the client is the one of this document: npm run openapi", () => {
  const dir = mkdtempSync(join(tmpdir(), "client-"));
  generateClient(openApi(routes), join(dir, "api.ts"));
  const [made, written] = [join(dir, "api.ts"), "client/generated/api.ts"].map((file) => readFileSync(file, "utf8"));
  rmSync(dir, { recursive: true });
  expect(made === written).toBe(true);
});
