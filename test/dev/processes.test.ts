import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConfigError } from "../../src/config.ts";
import { freePort } from "../../src/dev/ports.ts";
import { reach } from "../../src/runtime/reach.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { endOf, variablesOf } from "../stack/processes.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const run = (file: string, variables: Record<string, string>) => endOf(stack, ["src/boot.mjs", file], variables);

const databaseUrl = (change: Partial<URL>) => Object.assign(new URL(stack.config.databaseUrl), change).href;

test.each(["src/main.ts", "src/api.ts", "src/worker.ts"])(
  "%s starts nothing for who gives it arguments",
  async (file) => {
    const ended = await endOf(stack, ["src/boot.mjs", file, "--help"], { PORT: "1" });
    const stderr = "No arguments are taken, so not --help: settings are variables, see .env.example.\n";
    expect(ended).toMatchObject({ code: 2, stdout: "", stderr });
  },
);

test.each(["src/api.ts", "src/worker.ts"])("%s ends with a sentence that names the variable", async (file) => {
  const PORT = "1";
  const { hostname, port } = new URL(stack.config.databaseUrl);
  const { temporalAddress } = stack.config;
  const cases: [Record<string, string>, string][] = [
    [
      { DATABASE_URL: databaseUrl({ password: "wrong-password" }) },
      `PostgreSQL at ${hostname}:${port} refuses the user or the password of DATABASE_URL.`,
    ],
    [
      { DATABASE_URL: databaseUrl({ pathname: "nowhere" }) },
      `PostgreSQL at ${hostname}:${port} has no database nowhere: create it, or set DATABASE_URL to another.`,
    ],
    [
      { TEMPORAL_NAMESPACE: "nowhere" },
      `Temporal at ${temporalAddress} has no namespace nowhere: create it, or set TEMPORAL_NAMESPACE to another.`,
    ],
  ];
  for (const [variables, sentence] of cases) {
    const ended = await run(file, { PORT, ...variables });
    expect(ended).toMatchObject({ code: 1, stderr: `${sentence}\n` });
    expect(ended.stdout).not.toMatch(/listening|polling|wrong-password/);
  }
});

test("a taken port is named, with the variable that moves it", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const ended = await run("src/api.ts", { PORT: String(port) });
  taken.close();
  const stderr = `Port ${port} on 127.0.0.1 is taken. Set PORT to another port.\n`;
  expect(ended).toMatchObject({ code: 1, stderr });
});

test("an address that is not of this machine is named, with the variable that says it", async () => {
  const { code, stderr } = await run("src/api.ts", { HOST: "192.0.2.1" });
  const sentence = "192.0.2.1 is no address of this machine (EADDRNOTAVAIL). Set HOST to another one.\n";
  expect({ code, stderr }).toEqual({ code: 1, stderr: sentence });
});

test.each([
  ["DATABASE_URL", { DATABASE_URL: "postgres://u:p4ssword@127.0.0.1:1/x" }, "PostgreSQL at 127.0.0.1:1"],
  ["TEMPORAL_ADDRESS", { TEMPORAL_ADDRESS: "127.0.0.1:1" }, "Temporal at 127.0.0.1:1"],
])("what is not there yet is waited for: %s", async (variable, variables, server) => {
  const child = spawn(process.execPath, ["src/boot.mjs", "src/api.ts"], {
    env: { ...process.env, ...variablesOf(stack), PORT: String(await freePort()), ...variables },
  });
  let output = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    output += chunk;
    if (output.includes("Trying again")) child.kill("SIGTERM");
  }
  expect(output).toMatch(
    new RegExp(`${server} \\(${variable}\\) can't be reached: .*onnect.*refused.* Trying again`, "i"),
  );
  expect(output).not.toContain("p4ssword");
});

test("what comes is reached, and what does not come is told, with the reason", async () => {
  const server = { name: "PostgreSQL", component: "postgres", variable: "DATABASE_URL", at: "db:5432" };
  const running = { onStop: () => {}, stopping: new AbortController().signal };
  const away = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  let tries = 0;
  const comes = async () => {
    if (++tries < 3) throw away;
    return "there";
  };
  expect(await reach(server, running, comes)).toBe("there");
  const never = reach(server, running, () => Promise.reject(away), 1_500);
  await expect(never).rejects.toThrow(
    new ConfigError(
      "PostgreSQL at db:5432 (DATABASE_URL) can't be reached: connect ECONNREFUSED. Start it, or set DATABASE_URL.",
    ),
  );
  const broken = reach(server, running, () => Promise.reject(new TypeError("a bug")));
  await expect(broken).rejects.toThrow("a bug");
});

test.each([
  ["throw new Error('nobody caught it')", "uncaughtException"],
  ["Promise.reject(new Error('nobody caught it'))", "unhandledRejection"],
])("%s ends a process as a failure, with its message, after what it has to stop", async (crash) => {
  const script = `
    const { runProcess } = await import("./src/runtime/process.ts");
    const { createLog } = await import("./src/log.ts");
    await runProcess(async (running) => {
      running.log = createLog({ logLevel: "info" });
      running.onStop(async () => console.log("closed"));
      setTimeout(() => { ${crash}; });
      setInterval(() => {}, 1000);
    });`;
  const args = ["--import", "tsx", "--input-type=module", "-e", script];
  const ended = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    execFile(process.execPath, args, (error, stdout) => resolve({ code: error?.code, stdout }));
  });
  expect(ended.code).toBe(1);
  expect(ended.stdout).toMatch(/"level":60.*nobody caught it/);
  expect(ended.stdout).toContain("closed");
});
