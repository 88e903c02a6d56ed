import { writeFileSync } from "node:fs";
import { generateClient } from "./generate-client.ts";
import { openApi } from "../http/openapi.ts";
import { routes } from "../http/routes/index.ts";

/** openapi.json is what /openapi.json answers: a change of the API shows in review. The client follows from it. */
const document = openApi(routes);
writeFileSync("openapi.json", `${JSON.stringify(document, undefined, 2)}\n`);
generateClient(document, "client/generated/api.ts");
