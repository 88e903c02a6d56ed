import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { callEndpoint } from "../../activities/endpoint/call-endpoint.ts";
import { createEndpoints } from "../../activities/endpoint/endpoint-agent.ts";

test("after this process stood still, no request is written to a connection that may be closed by now", async () => {
  const port = await servingOnce();
  const endpoints = createEndpoints(true);
  const { signal: canceled } = new AbortController();
  const call = { url: `http://127.0.0.1:${port}/`, headers: {}, timeoutSecs: 10, canceled };
  expect(await callEndpoint(endpoints, call)).toBe("7");
  // The connection is free for others from the next turn on.
  await turn();
  await turn();
  standStill(1_100);
  expect(await callEndpoint(endpoints, call)).toBe("7");
});

/** An endpoint that closes its idle connections just as they are used again. */
async function servingOnce(): Promise<number> {
  const server = createServer((socket) => {
    socket
      .on("error", () => {})
      .once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7");
        socket.once("data", () => socket.destroy());
      });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

/** Nothing of this thread runs, and no event comes to it. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
