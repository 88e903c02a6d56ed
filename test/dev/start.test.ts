import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { freePort } from "../../src/dev/ports.ts";
import { until } from "../stack/until.ts";

const dataDir = mkdtempSync(join(tmpdir(), "workflow-runs-start-"));
// As an earlier version made it.
chmodSync(dataDir, 0o755);
const started: ChildProcess[] = [];
let ports: Record<string, string>;

beforeAll(async () => {
  const names = ["PORT", "POSTGRES_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "EXAMPLE_JOBS_PORT"];
  ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, String(await freePort())])));
});
afterEach(async () => {
  for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await Promise.all(started.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
});
afterAll(() => rmSync(dataDir, { recursive: true }));

/** `npm start`, until it has said the words or ended. */
async function start(words: string, variables: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["src/boot.mjs", "src/main.ts"], {
    env: { ...process.env, ...ports, DATA_DIR: dataDir, ...variables },
  });
  started.push(child);
  let output = "";
  const said = new Promise<void>((resolve) => {
    const hear = (text: Buffer) => {
      output += text;
      if (output.includes(words)) resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
  });
  await Promise.race([said, once(child, "exit")]);
  expect(output).toContain(words);
  return { child, output, said: () => output };
}

async function end(child: ChildProcess, signal: NodeJS.Signals) {
  child.kill(signal);
  await once(child, "exit");
}

/** The command lines of processes that work on the data directory. */
function left(): string[] {
  const lines = execFileSync("ps", ["-eo", "args="], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => line.includes(dataDir));
}

/** What of the directory, and below it, anyone but its owner could open. */
function othersMayRead(path: string): string[] {
  // A server's journal may go in between.
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  const isOpen = (stat.mode & 0o077) !== 0;
  if (!stat.isDirectory()) return isOpen ? [path] : [];
  return [...(isOpen ? [path] : []), ...readdirSync(path).flatMap((name) => othersMayRead(join(path, name)))];
}

/** The command that the greeting tells to paste. */
function pasted(output: string, ending: string) {
  const lines = output.split("\n");
  const token = lines.find((each) => each.startsWith("TOKEN="));
  const curl = lines.find((each) => each.startsWith("curl ") && each.endsWith(ending));
  return JSON.parse(execFileSync("sh", ["-c", `${token}\n${curl}`], { encoding: "utf8" }));
}

/** The first link of the greeting that has these words. */
function linkWith(words: string, output: string): string {
  return output.split(/\s/).find((each) => each.startsWith("http:") && each.includes(words)) ?? "";
}

/** An endpoint that answers when it is told to. */
async function slowEndpoint() {
  let hear = (_: ServerResponse) => {};
  const called = new Promise<ServerResponse>((resolve) => {
    hear = resolve;
  });
  const server = createServer((_, response) => hear(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    called,
    answer: () => void called.then((response) => response.end("{}", () => server.close())),
  };
}

async function callIt(endpoint_url: string, output: string) {
  const token = readFileSync(join(dataDir, "token"), "utf8");
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const to = `${new URL(linkWith("/docs", output)).origin}/v1${path}`;
    const answer = await fetch(to, { method: "POST", headers, body: JSON.stringify(body) });
    return (await answer.json()) as { id: string };
  };
  const { id } = await post("/jobs", { name: "Slow", slug: "slow", endpoint_url });
  await post(`/jobs/${id}/trigger`, {});
}

test("a killed start is continued by the next, and Ctrl-C leaves nothing running", async () => {
  const first = await start("Approve it:");
  expect(othersMayRead(dataDir)).toEqual([]);
  // It made a database.
  expect(first.output).toMatch(/^Starting PostgreSQL \.\.\.$/m);
  for (const place of ["/docs", "/namespaces/default/workflows/"])
    expect((await fetch(linkWith(place, first.output))).status).toBe(200);
  expect(pasted(first.output, "/steps")).toContainEqual(expect.objectContaining({ step_ref: "approval" }));
  await start(`already running, as process ${first.child.pid}`);
  await end(first.child, "SIGKILL");
  expect(left()).not.toEqual([]);

  const second = await start("Approve it:");
  expect(second.output).toContain("Stopped the servers that an earlier, killed start had left running.");
  expect(pasted(second.output, "/steps")).toEqual(pasted(first.output, "/steps"));
  const link = linkWith("/approve/", second.output);
  const page = await fetch(link);
  expect(await page.text()).toContain("<h1>Release 2.4.0 to production</h1>");
  expect(pasted(second.output, "/approve").approval.status).toBe("approved");
  expect((await fetch(link)).status).toBe(410);

  const slow = await slowEndpoint();
  await callIt(slow.url, second.output);
  await slow.called;
  const ended = end(second.child, "SIGINT");
  await until(() =>
    second.said().includes("Waiting for the tasks of the worker and the calls of jobs (1), at most 25 s"),
  );
  slow.answer();
  await ended;
  expect(second.child.exitCode).toBe(0);
  expect(left()).toEqual([]);
});

test("a taken port is named, with the variable that moves it", async () => {
  const taken = createServer().listen(Number(ports.TEMPORAL_PORT), "127.0.0.1");
  await once(taken, "listening");
  await start(`Port ${ports.TEMPORAL_PORT} on 127.0.0.1 is taken. Set TEMPORAL_PORT to another port.`);
  taken.close();
});

test.each([
  { server: "PostgreSQL", broken: "postgres/cluster/PG_VERSION" },
  { server: "The Temporal server", broken: "temporal.db" },
])("$server that can't start on its data says why, and nothing of our code", async ({ server, broken }) => {
  const other = mkdtempSync(join(tmpdir(), "workflow-runs-broken-"));
  mkdirSync(dirname(join(other, broken)), { recursive: true });
  writeFileSync(join(other, broken), "14");
  const { child, said } = await start(`${server} did not start (it ended at once). Its log is ${other}`, {
    DATA_DIR: other,
  });
  if (child.exitCode === null) await once(child, "exit");
  expect(child.exitCode).toBe(1);
  expect(said()).not.toContain("    at ");
  rmSync(other, { recursive: true });
});
