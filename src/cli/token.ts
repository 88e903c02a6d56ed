import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Claims, mintToken } from "./mint.ts";
import { ConfigError, loadDevConfig } from "../config.ts";
import { SCOPES } from "../identity/caller.ts";
import { devSecret } from "../dev/secret.ts";

const USAGE = `usage: npm run -s token -- --project PROJECT --sub NAME [--groups GROUP,GROUP...] [--scopes SCOPE,SCOPE...]
  --project  a project the token is for; repeat it or separate by commas for several, * for all
  --sub      who the token speaks for: the name that approvals compare
  --groups   groups that they are in: an approval names them as group:GROUP
  --scopes   of ${SCOPES.join(", ")};
             default: * (everything)

Signed with JWT_SECRET, or else with the secret in DATA_DIR (default: .data): the one of the server that it is for.`;

/** Undefined: only the usage is asked for. */
function claimsOf(args: string[]): Claims | undefined {
  const { values } = parseArgs({
    args,
    options: {
      project: { type: "string", multiple: true },
      sub: { type: "string" },
      groups: { type: "string", default: "" },
      scopes: { type: "string", default: "*" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return undefined;
  const projects = namesIn(values.project ?? []);
  if (projects.length === 0) throw new Error("--project is required");
  if (!values.sub) throw new Error("--sub is required");
  const scopes = namesIn([values.scopes]);
  const unknown = scopes.find((scope) => scope !== "*" && !SCOPES.some((known) => known === scope));
  if (unknown !== undefined) throw new Error(`--scopes: ${unknown} is none of ${SCOPES.join(", ")}, *`);
  const groups = namesIn([values.groups]);
  return {
    sub: values.sub,
    groups: groups.length > 0 ? groups : undefined,
    projects: projects.includes("*") ? "*" : projects,
    scopes,
  };
}

function namesIn(lists: string[]): string[] {
  return lists
    .flatMap((list) => list.split(","))
    .map((name) => name.trim())
    .filter(Boolean);
}

function tokenFor(claims: Claims): string {
  const { auth, dataDir } = loadDevConfig();
  if ("keySets" in auth) throw new ConfigError("JWKS_URI is set: tokens come from its identity provider.");
  return mintToken({ ...auth, secret: "secret" in auth ? auth.secret : secretIn(dataDir) }, claims);
}

/** A directory that is misspelled would make a token that no server takes. */
function secretIn(dataDir: string): string {
  const isNew = !existsSync(join(dataDir, "jwt-secret"));
  const secret = devSecret(dataDir, "jwt-secret");
  if (isNew)
    console.error(
      `DATA_DIR (${dataDir}) had no secret yet, and has one now: no server that runs elsewhere takes this token.`,
    );
  return secret;
}

try {
  const claims = claimsOf(process.argv.slice(2));
  console.log(claims ? tokenFor(claims) : USAGE);
} catch (error) {
  const { message } = error as Error;
  console.error(error instanceof ConfigError ? message : `${message}\n${USAGE}`);
  process.exitCode = 2;
}
