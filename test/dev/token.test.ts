import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import jwt from "jsonwebtoken";
import { devSecret } from "../../src/dev/secret.ts";

const dataDir = mkdtempSync(join(tmpdir(), "workflow-runs-token-"));
afterAll(() => rmSync(dataDir, { recursive: true }));

const command = (...args: string[]) =>
  [
    process.execPath,
    ["--import", "tsx", "src/cli/token.ts", ...args],
    { env: { ...process.env, DATA_DIR: dataDir } },
  ] as const;

test("prints a token alone on its line, signed by the secret of the data directory", async () => {
  const [first, second] = await Promise.all(
    ["build", "deploy"].map((sub) =>
      promisify(execFile)(...command("--project", "a,b", "--project", "c", "--sub", sub, "--scopes", "runs:read")),
    ),
  );
  const secret = devSecret(dataDir, "jwt-secret");
  for (const [answer, sub] of [
    [first, "build"],
    [second, "deploy"],
  ] as const) {
    expect(answer?.stdout).toMatch(/^\S+\n$/);
    const claims = jwt.verify(answer?.stdout.trim() ?? "", secret, {
      issuer: "workflow-runs",
      audience: "workflow-runs",
    });
    expect(claims).toMatchObject({ sub, projects: ["a", "b", "c"], scopes: ["runs:read"], exp: expect.any(Number) });
  }
  expect(statSync(join(dataDir, "jwt-secret")).mode & 0o777).toBe(0o600);
});

test("a directory that had no secret is told of: the token is for no server that runs", async () => {
  const [file, args, options] = command("--project", "a", "--sub", "ada");
  const elsewhere = join(dataDir, "misspelled");
  const made = await promisify(execFile)(file, args, { env: { ...options.env, DATA_DIR: elsewhere } });
  expect(made.stdout).toMatch(/^\S+\n$/);
  expect(made.stderr).toContain(elsewhere);
});

test("a directory that can't keep a secret is named by its variable, without the usage", async () => {
  const [file, args, options] = command("--project", "a", "--sub", "ada");
  const env = { ...options.env, DATA_DIR: import.meta.filename };
  const refusal = await promisify(execFile)(file, args, { env }).catch((error) => error);
  expect(refusal).toMatchObject({ code: 2, stdout: "" });
  expect(refusal.stderr).toMatch(/^DATA_DIR can't keep a secret: E\w+: .*\n$/);
});

test("every project is *, and every scope is the default", () => {
  const [file, args, options] = command("--project", "*", "--sub", "root");
  const token = execFileSync(file, args, { ...options, encoding: "utf8" });
  expect(jwt.decode(token.trim())).toMatchObject({ projects: "*", scopes: ["*"] });
});

test.each(["--help", "-h"])("%s prints the usage", (flag) => {
  const [file, args, options] = command(flag);
  expect(execFileSync(file, args, { ...options, encoding: "utf8" })).toMatch(/^usage: npm run -s token -- --project/);
});

test.each([
  [["--sub", "ada"], "--project is required"],
  [["--project", "p"], "--sub is required"],
  [["--project", "p", "--sub", "ada", "--role", "x"], "Unknown option '--role'"],
])("%j is refused with its reason and the usage", async (args, reason) => {
  const refusal = await promisify(execFile)(...command(...args)).catch((error) => error);
  expect(refusal).toMatchObject({ code: 2, stdout: "" });
  expect(refusal.stderr).toContain(reason);
  expect(refusal.stderr).toContain("usage: npm run -s token");
});
