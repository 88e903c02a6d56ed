import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startApart } from "../../bench/product.ts";
import { withServers } from "../../bench/servers/index.ts";
import { mintToken } from "../../src/cli/mint.ts";
import { schemathesis } from "./schemathesis.ts";
import { seed } from "./seed.ts";

// Asks the API from outside what its document says of it: requests that the document allows and forbids, of every operation.
// What follows a second `--` goes to schemathesis: npm run test:contract -- --examples 5 -- --include-path-regex jobs
const { values, positionals } = parseArgs({
  options: { examples: { type: "string", default: "100" }, seed: { type: "string", default: "1" } },
  allowPositionals: true,
});
const TOKEN_OF = { sub: "bench", projects: ["bench"], scopes: ["*"] };

const command = await schemathesis();
await withServers("dev", async (servers) => {
  const { startWorker, ...product } = await startApart(servers);
  await startWorker();
  const made = { ...(await seed(product)), endpoint: [`${servers.endpointUrl}/contract`] };

  const dir = mkdtempSync(join(tmpdir(), "contract-"));
  servers.onStop(async () => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "schemathesis.toml"), configOf(made));
  const amount = ["--max-examples", values.examples, "--seed", values.seed];
  const asking = spawn(command, ["run", `${product.url}/openapi.json`, ...amount, ...positionals], {
    cwd: dir,
    env: { ...process.env, TOKEN: mintToken(servers.auth, TOKEN_OF) },
    stdio: "inherit",
  });
  const [code] = await once(asking, "exit");
  process.exitCode = code ?? 1;
});

/** What is the same each time, and what its names stand for now. TOML has JSON's arrays. */
function configOf(dictionaries: Record<string, string[]>): string {
  const standing = readFileSync(new URL("schemathesis.toml", import.meta.url), "utf8");
  const made = Object.entries(dictionaries).map(([name, all]) => `${name} = { values = ${JSON.stringify(all)} }`);
  return [standing, ...made, ""].join("\n");
}
