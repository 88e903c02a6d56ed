import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

/** The packages of OpenTelemetry that a process has loaded by then, but for the API's, which prom-client has. */
const LOADED = `
  const { createRequire } = await import("node:module");
  const { cache } = createRequire(import.meta.url);
  const names = Object.keys(cache).flatMap((path) => /@opentelemetry\\/([^/]+)/.exec(path)?.[1] ?? []);
  console.log(JSON.stringify([...new Set(names)].filter((name) => name !== "api").sort()));`;

async function loadedBy(script: string): Promise<string[]> {
  const { stdout } = await run(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script + LOADED]);
  return JSON.parse(stdout);
}

test("what API and worker are made of loads nothing of OpenTelemetry, until traces are on", async () => {
  const all = ["http/app", "runtime/open", "runtime/worker", "tracing/tracing", "config"];
  expect(await loadedBy(all.map((name) => `await import("./src/${name}.ts");`).join("\n"))).toEqual([]);
  const open = `
    const { openOtlp } = await import("./src/tracing/otlp.ts");
    await openOtlp({ url: "http://127.0.0.1:9", headers: {}, protocol: "http/protobuf", resource: {}, sampler: { ratio: 1, follows: true } }, console);`;
  expect(await loadedBy(open)).toEqual(expect.arrayContaining(["exporter-trace-otlp-proto", "sdk-trace"]));
});
