import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Served } from "../../bench/servers/serve-in.ts";
import { guardSockets, withoutFloods } from "../../src/http/sockets.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { createWorkflow, gate, ok } from "../api/definitions.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { startApiProcess } from "../stack/processes.ts";
import { until } from "../stack/until.ts";

const HEALTH = "GET /health HTTP/1.1\r\n\r\n";
const TUNNEL = "CONNECT a:1 HTTP/1.1\r\n\r\n";

let stack: Stack;
let api: Served;
const opened: Socket[] = [];
beforeAll(async () => {
  stack = await startStack({ worker: false });
  api = await startApiProcess(stack);
});
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});
afterAll(async () => {
  await api.stop();
  await stack.stop();
});

/** A client that says this, and never closes by itself. */
async function client(text: string | Buffer, port = Number(new URL(api.origin).port)): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  opened.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  return socket;
}
async function heard(socket: Socket, enough: (text: string) => boolean): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  await until(() => Promise.resolve(enough(text)));
  return text;
}
const isAnswered = (text: string) => text.includes("\r\n\r\n");
/** The server has let go of it: what is written after that is answered by a reset. */
async function isCutOff(socket: Socket): Promise<boolean> {
  socket.resume().write("x");
  return socket.destroyed;
}
const isWell = async () => (await fetch(`${api.origin}/health`)).status;

const BROKEN: [what: string, text: string][] = [
  ["a tunnel", TUNNEL],
  ["a tunnel with bytes for its other end", `${TUNNEL}${"x".repeat(100_000)}`],
  ["no HTTP", "hello\r\n\r\n"],
  ["headers without an end", `GET / HTTP/1.1\r\nX: ${"x".repeat(100_000)}`],
  ["two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
  ["a start of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
];

describe("a client that is gone at once does no harm", () => {
  const others: [what: string, text: string][] = [
    ["a request to upgrade", "GET /health HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
    ["an expectation", "POST /v1/workflows HTTP/1.1\r\nExpect: miracles\r\nContent-Length: 10\r\n\r\n"],
    ["half a body", "POST /v1/workflows HTTP/1.1\r\nContent-Length: 10\r\n\r\n{"],
    ["requests ahead", HEALTH.repeat(1_000)],
    ["nothing", ""],
  ];
  test.each([...BROKEN, ...others])("%s, and a reset", async (_, text) => {
    for (let i = 0; i < 20; i++) (await client(text)).resetAndDestroy();
    for (let i = 0; i < 20; i++) {
      const socket = await client(text);
      await Promise.race([once(socket, "data"), new Promise((resolve) => setTimeout(resolve, 50))]);
      socket.resetAndDestroy();
    }
    expect(await isWell()).toBe(200);
  });
});

describe("a client that is answered, and stays, is let go", () => {
  test.each(BROKEN)("after %s", async (_, text) => {
    const socket = await client(text);
    expect(await heard(socket, isAnswered)).toMatch(/^HTTP\/1.1 400 /);
    await until(() => isCutOff(socket));
  });

  test("though it never reads", async () => {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => client(TUNNEL)));
    await until(async () => (await Promise.all(sockets.map(isCutOff))).every(Boolean));
    expect(await isWell()).toBe(200);
  });

  test("though it goes on sending", async () => {
    const socket = await client(TUNNEL);
    const answer = heard(socket, isAnswered);
    const sending = setInterval(() => socket.write("more\r\n"), 20);
    expect(await answer).toMatch(/^HTTP\/1.1 400 /);
    await until(() => Promise.resolve(socket.destroyed));
    clearInterval(sending);
  });
});

describe("requests sent ahead", () => {
  test("are answered in their order", async () => {
    const paths = Array.from({ length: 30 }, (_, i) => `/nowhere-${i}`);
    const socket = await client(paths.map((path) => `GET ${path} HTTP/1.1\r\nX-Request-Id: ${path}\r\n\r\n`).join(""));
    const text = await heard(socket, (all) => all.split("HTTP/1.1 404").length > paths.length);
    expect([...text.matchAll(/X-Request-Id: (.*)/g)].map(([, id]) => id)).toEqual(paths);
  });

  test("without end cut the client off, and keep nobody waiting", async () => {
    const socket = await client(HEALTH.repeat(100_000));
    await until(() => isCutOff(socket));
    expect(await isWell()).toBe(200);
  });

  test("after a request to upgrade are not read, and the answer to it says so", async () => {
    const socket = await client(`GET /health HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${HEALTH}`);
    expect(await heard(socket, isAnswered)).toMatch(/^HTTP\/1.1 200 OK.*Connection: close/is);
    await until(() => isCutOff(socket));
  });
});

test("who sends slowly what is no whole request is told so, and let go", async () => {
  const server = guardSockets(
    createServer(
      { headersTimeout: 200, requestTimeout: 300, connectionsCheckingInterval: 50 },
      withoutFloods((_, response) => response.end()),
    ),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = await client("GET / HT", (server.address() as AddressInfo).port);
  expect(await heard(socket, isAnswered)).toMatch(/^HTTP\/1.1 400 .*request took too long to arrive/s);
  await until(() => isCutOff(socket));
  server.close();
});

test("connections are counted: one too many is closed at once, and there is room again when another ends", async () => {
  const server = await serve((_, response) => response.end("well"), "127.0.0.1", 0, 2);
  const [first] = [await client(HEALTH, server.port), await client(HEALTH, server.port)];
  const third = await client(HEALTH, server.port);
  await until(() => isCutOff(third));
  first.destroy();
  await until(async () => {
    const next = await client(HEALTH, server.port);
    const answer = await Promise.race([once(next, "data"), once(next, "end")]);
    return String(answer[0] ?? "").includes("well");
  });
  await server.close();
});

describe("what a caller has a process hold has a bound", () => {
  const headOf = (token: string, length: number) =>
    `POST /v1/workflows HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${length}\r\n\r\n`;
  const whole = (token: string) => Buffer.concat([Buffer.from(headOf(token, 100_000)), Buffer.alloc(100_000, " ")]);
  const read = (path: string, token: string) =>
    fetch(`${api.origin}${path}`, { headers: { authorization: `Bearer ${token}` } });

  test("bodies that do not come to their end", async () => {
    const token = stack.token({ sub: "slow" });
    for (let i = 0; i < 64; i++) await client(headOf(token, 1_048_576));
    const refused = await heard(await client(headOf(token, 1_048_576)), isAnswered);
    expect(refused).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused).toMatch(/\r\nRetry-After: 1\r\n/);
    // Small ones are taken, as are others'.
    expect(await heard(await client(`${headOf(token, 2)}{}`), isAnswered)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await heard(await client(whole(stack.token())), isAnswered)).toMatch(/^HTTP\/1\.1 400 /);
    for (const socket of opened.splice(0)) socket.destroy();
    await until(async () => (await heard(await client(whole(token)), isAnswered)).startsWith("HTTP/1.1 400 "));
  });

  test("bodies that don't say how large they are", async () => {
    const head = (token: string) =>
      `POST /v1/workflows HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const token = stack.token({ sub: "chunked" });
    const part = `50000\r\n${" ".repeat(0x50000)}\r\n`;
    const large: Socket[] = [];
    for (let i = 0; i < 70; i++) large.push(await client(head(token) + part));
    const answers = large.map((socket) => heard(socket, isAnswered));
    await until(async () => (await heard(await client(whole(token)), isAnswered)).startsWith("HTTP/1.1 503 "));
    // Each of many small ones has its place beside them, also before it is over.
    const small = await Promise.all(Array.from({ length: 100 }, () => client(`${head(token)}2\r\n{}\r\n`)));
    for (const socket of [...small, ...large]) socket.write("0\r\n\r\n");
    for (const socket of small) expect(await heard(socket, isAnswered)).toMatch(/^HTTP\/1\.1 400 /);
    const statuses = (await Promise.all(answers)).map((answer) => answer.slice(9, 12));
    expect(new Set(statuses)).toEqual(new Set(["400", "503"]));
    expect(statuses.filter((status) => status === "503").length).toBeLessThan(10);
  });

  test("answers that nobody reads", async () => {
    const { id } = await createWorkflow(stack, [gate("gate")]);
    const payload = "x".repeat(1_000_000);
    for (let i = 0; i < 4; i++) await ok(stack, "POST", `/v1/workflows/${id}/trigger`, { payload });
    const list = `/v1/workflows/${id}/runs`;
    const token = stack.token({ sub: "deaf" });
    // The system holds some MB for each connection.
    const asked = `GET ${list} HTTP/1.1\r\nAuthorization: Bearer ${token}\r\n\r\n`.repeat(6);
    for (let i = 0; i < 10; i++) (await client(asked)).pause();
    await until(async () => (await read(list, token)).status === 503);
    expect((await read("/v1/workflows", token)).status).toBe(200);
    expect((await read(list, stack.token())).status).toBe(200);
    for (const socket of opened.splice(0)) socket.destroy();
    await until(async () => (await read(list, token)).status === 200);
  });
});
