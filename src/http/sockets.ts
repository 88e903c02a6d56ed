import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { answerClientError } from "./client-errors.ts";

/** A process has file descriptors for so many and for its own connections, where it may open the usual ten thousand and more. */
const MAX_CONNECTIONS = 5_000;
/** Requests of one connection that wait for their answers. Node reads as many ahead as a client sends, and works on all of them. */
const MAX_PIPELINED = 32;
/** Without a byte in either direction. Longer than any answer takes (wait_secs=25), so it ends who does not read his answer. */
const SILENCE_MS = 60_000;

/** How long a client may take for its part, in milliseconds. Node's own defaults are minutes. */
export const PATIENCE = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
};

/** What Node leaves open about the sockets of a server: how many, for how long, and who hears of their errors. */
export function guardSockets(server: Server, maxConnections = MAX_CONNECTIONS): Server {
  server.maxConnections = maxConnections;
  return (
    server
      .setTimeout(SILENCE_MS)
      // Node listens for errors only while a socket is in its own hands; one without a listener ends the process.
      .on("connection", (socket: Duplex) => socket.on("error", () => socket.destroy()))
      .on("connect", (_request: IncomingMessage, socket: Duplex) => answerClientError(new Error("not a proxy"), socket))
      .on("clientError", answerClientError)
  );
}

/** Cuts off a connection that sends more requests ahead than anybody needs: to read them alone would keep all others waiting. */
export function withoutFloods(app: RequestListener): RequestListener {
  const waiting = new WeakMap<Duplex, number>();
  return (request: IncomingMessage, response: ServerResponse<IncomingMessage> & { req: IncomingMessage }) => {
    const { socket } = request;
    const others = waiting.get(socket) ?? 0;
    if (others >= MAX_PIPELINED) {
      socket.destroy();
      return;
    }
    waiting.set(socket, others + 1);
    // There is nothing to upgrade to, and Node reads no further request from such a connection.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    response.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    app(request, response);
  };
}
