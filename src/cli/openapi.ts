import { writeFileSync } from "node:fs";
import { openApi } from "../http/openapi.ts";
import { routes } from "../http/routes/index.ts";

/** openapi.json is what /openapi.json answers: a change of the API shows in review. */
writeFileSync("openapi.json", `${JSON.stringify(openApi(routes), undefined, 2)}\n`);
