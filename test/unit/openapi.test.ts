import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openApi } from "../../src/http/openapi.ts";
import { routes } from "../../src/http/routes/index.ts";

test("openapi.json is the document of the routes as they are: npm run openapi", () => {
  const written = JSON.parse(readFileSync("openapi.json", "utf8"));
  expect(JSON.parse(JSON.stringify(openApi(routes)))).toEqual(written);
});
