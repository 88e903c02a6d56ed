import { createServer } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callEndpoint } from "../../activities/endpoint/call-endpoint.ts";
import { createEndpoints } from "../../activities/endpoint/endpoint-agent.ts";
import { type JobEndpoint, startJobEndpoint } from "../stack/job-endpoint.ts";
import { answeredBy, call, encoded } from "./called.ts";

let jobs: JobEndpoint;
beforeAll(async () => {
  jobs = await startJobEndpoint();
});
afterAll(() => jobs.close());

const answered = answeredBy(() => jobs);

describe("an answer whose body ends before its headers say", () => {
  test.each([
    ["Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"],
    ["Transfer-Encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"],
    ["a chunk's size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}"],
  ])("(%s) is cut off, which another try may mend", async (_, text) => {
    await withRawServer(text, async (url) => {
      await expect(call(url)).rejects.toMatchObject({ class: "connection", message: /cut off/ });
    });
  });

  test("has no end to keep where it says none", async () => {
    await withRawServer('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"a":1}', async (url) => {
      expect(await call(url)).toBe('{"a":1}');
    });
  });

  test.each(["", "hello"])("is whole where its status says that it has none, whatever is sent (%j)", async (body) => {
    await withRawServer(`HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n${body}`, async (url) => {
      expect(await call(url)).toBeUndefined();
    });
  });

  test("is refused all the same where its status says so", async () => {
    await withRawServer("HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nnone", async (url) => {
      await expect(call(url)).rejects.toMatchObject({ class: "client", message: "endpoint returned 404: none" });
    });
  });
});

describe("a header that comes twice", () => {
  test("says what it said first, where it has one value", async () => {
    const twice = "Content-Type: application/json; charset=utf-8\r\nContent-Type: application/json\r\n";
    await withRawServer(`HTTP/1.1 200 OK\r\n${twice}Content-Length: 7\r\n\r\n{"a":1}`, async (url) => {
      expect(await call(url)).toBe('{"a":1}');
    });
    const later = "Retry-After: 7\r\nRetry-After: 9\r\n";
    await withRawServer(`HTTP/1.1 503 Busy\r\n${later}Content-Length: 0\r\n\r\n`, async (url) => {
      await expect(call(url)).rejects.toMatchObject({ retryAfterMs: 7_000 });
    });
  });

  test("is one list, where it is of encodings", async () => {
    const body = gzipSync(gzipSync("{}")).toString("latin1");
    const twice = "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n";
    await withRawServer(`HTTP/1.1 200 OK\r\n${twice}Content-Length: ${body.length}\r\n\r\n${body}`, async (url) => {
      expect(await call(url)).toBe("{}");
    });
  });
});

async function withRawServer(answer: string, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((socket) =>
    socket.once("data", () => socket.end(answer, "latin1")).on("error", () => {}),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
  } finally {
    server.close();
  }
}

describe("statuses", () => {
  test.each([
    [408, "server"],
    [425, "server"],
    [503, "server"],
    [409, "client"],
  ])("%i fails as %s", async (status, failureClass) => {
    await expect(answered({ status, body: "x" })).rejects.toMatchObject({ class: failureClass });
  });

  const inAMinute = () => new Date(Date.now() + 60_000);
  test.each([
    ["a number of seconds", 429, () => "7", 7_000],
    ["a number of seconds", 503, () => " 120 ", 120_000],
    ["a date", 503, () => inAMinute().toUTCString(), 60_000],
    ["a date without its zone", 429, () => inAMinute().toUTCString().replace(" GMT", ""), 60_000],
    ["a date that is past", 429, () => "Sun, 06 Nov 1994 08:49:37 GMT", 0],
    ["an old form of a date", 429, () => "Sunday, 06-Nov-94 08:49:37 GMT", 0],
    ["a negative number", 429, () => "-5", undefined],
    ["nonsense", 503, () => "soon", undefined],
    ["nothing", 503, () => "", undefined],
    ["seconds, of another status", 500, () => "7", undefined],
  ])("Retry-After: %s (%i)", async (_, status, header, ms) => {
    const failure = await answered({ status, headers: { "retry-after": header() } }).catch((error) => error);
    if (ms === undefined) expect(failure.retryAfterMs).toBeUndefined();
    else expect(Math.abs(failure.retryAfterMs - ms)).toBeLessThan(3_000);
  });
});

test("connections are used again after whole answers, encoded or not", async () => {
  const own = createEndpoints(true);
  const server = await startJobEndpoint();
  let opened = 0;
  own.agent.on("connect", () => opened++);
  try {
    for (let i = 0; i < 10; i++) {
      server.on("/again", () => (i % 2 ? { body: "{}" } : encoded("gzip", gzipSync("{}"))));
      const again = { url: server.url("/again"), headers: {}, timeoutSecs: 5, canceled: new AbortController().signal };
      expect(await callEndpoint(own, again)).toBe("{}");
    }
    expect(opened).toBeLessThan(4);
  } finally {
    await own.agent.close();
    await server.close();
  }
});
