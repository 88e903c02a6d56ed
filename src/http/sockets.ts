import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { answerClientError } from "./client-errors.ts";

/** With the usual limit of ten thousand file descriptors and more, a process has enough for these and for its own connections. */
const MAX_CONNECTIONS = 5_000;
/** Requests of one connection that may wait for their answers. Node reads and handles as many as a client sends ahead. */
const MAX_PIPELINED = 32;
/** How long a connection may be silent. Every answer is faster (wait_secs=25), so this ends clients that do not read theirs. */
const SILENCE_MS = 60_000;

/** How long a client may take, in milliseconds. Node's defaults are minutes. */
export const PATIENCE = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
};

/** Limits the number of sockets of a server and their silence, and handles their errors. */
export function guardSockets(server: Server, maxConnections = MAX_CONNECTIONS): Server {
  server.maxConnections = maxConnections;
  return (
    server
      .setTimeout(SILENCE_MS)
      // Node does not always listen for errors of a socket. An error without a listener ends the process.
      .on("connection", (socket: Duplex) => socket.on("error", () => socket.destroy()))
      .on("connect", (_request: IncomingMessage, socket: Duplex) => answerClientError(new Error("not a proxy"), socket))
      .on("clientError", answerClientError)
  );
}

/** Cuts off a connection that sends very many requests ahead: reading them would keep all others waiting. */
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
    // We do not upgrade, and Node reads no further request from a connection that asks for it.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    response.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    app(request, response);
  };
}
