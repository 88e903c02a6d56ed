import { createServer } from "node:http";
import { READY } from "./node-process.ts";

/**
 * The job endpoint, a process of its own. POST /<caller>?delay=400 answers after that many milliseconds, ?bytes=1000
 * with so many bytes; each is counted for its caller; GET /counts tells the counts (see counts.ts). Any other GET is
 * answered at once.
 */
const calls = new Map<string, number>();
/** By caller: every X-Run-ID with its X-Attempt, and how often it was seen. */
const seen = new Map<string, Map<string, number>>();

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://endpoint");
  const answer = (body: unknown) => response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  if (pathname === "/counts") {
    answer([...calls].map(([caller, count]) => ({ caller, calls: count, repeated: repeated(caller) })));
    return;
  }
  if (request.method === "GET") {
    answer({});
    return;
  }
  const caller = pathname.slice(1);
  calls.set(caller, (calls.get(caller) ?? 0) + 1);
  const keys = seen.get(caller) ?? new Map<string, number>();
  seen.set(caller, keys);
  const key = `${request.headers["x-run-id"]} ${request.headers["x-attempt"]}`;
  keys.set(key, (keys.get(key) ?? 0) + 1);
  const bytes = Number(searchParams.get("bytes") ?? 0);
  const delay = Number(searchParams.get("delay") ?? 0);
  request.resume().once("end", () => {
    if (bytes > 0) answer("x".repeat(bytes - 2));
    else if (searchParams.has("fail")) response.writeHead(422).end('{"error":"asked to fail"}');
    else if (delay > 0) setTimeout(answer, delay, { ok: true });
    else answer({ ok: true });
  });
})
  // Longer than any client keeps one, so that none is closed on a request.
  .on("connection", (socket) => socket.setNoDelay(true))
  .listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 2048 }, () => console.log(READY))
  .setTimeout(0).keepAliveTimeout = 600_000;

process.on("SIGTERM", () => process.exit());

function repeated(caller: string): number {
  return [...(seen.get(caller)?.values() ?? [])].filter((count) => count > 1).length;
}
