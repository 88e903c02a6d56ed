import { parseArgs } from "node:util";
import { type Claims, mintToken } from "./mint.ts";
import { ConfigError, loadDevConfig } from "../config.ts";
import { devSecret } from "../dev/secret.ts";

const USAGE = `usage: npm run -s token -- --project PROJECT --sub NAME [--scopes SCOPE,SCOPE...]
  --project  a project the token is for; repeat it or separate by commas for several, * for all
  --sub      who the token speaks for: the name that approvals compare
  --scopes   default: * (everything)`;

function claimsOf(args: string[]): Claims {
  const { values } = parseArgs({
    args,
    options: {
      project: { type: "string", multiple: true },
      sub: { type: "string" },
      scopes: { type: "string", default: "*" },
    },
  });
  const projects = namesIn(values.project ?? []);
  if (projects.length === 0) throw new Error("--project is required");
  if (!values.sub) throw new Error("--sub is required");
  return { sub: values.sub, projects: projects.includes("*") ? "*" : projects, scopes: namesIn([values.scopes]) };
}

function namesIn(lists: string[]): string[] {
  return lists
    .flatMap((list) => list.split(","))
    .map((name) => name.trim())
    .filter(Boolean);
}

try {
  const claims = claimsOf(process.argv.slice(2));
  const config = loadDevConfig();
  if ("jwksUri" in config.auth) throw new ConfigError("JWKS_URI is set: tokens come from its identity provider.");
  const secret = "secret" in config.auth ? config.auth.secret : devSecret(config.dataDir, "jwt-secret");
  console.log(mintToken({ ...config.auth, secret }, claims));
} catch (error) {
  const { message } = error as Error;
  console.error(error instanceof ConfigError ? message : `${message}\n${USAGE}`);
  process.exitCode = 2;
}
