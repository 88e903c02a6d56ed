import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as pauseFor } from "node:timers/promises";
import { ConfigError } from "../config.ts";
import { guardSockets, PATIENCE, withoutFloods } from "../http/sockets.ts";

/** How long a server that closes takes new requests. By then the clients of its connections have been told to leave, if they are busy. */
const LEAVING_MS = 1_000;
/** How long it then holds new requests before it stops listening: clients that wait for an answer do not connect. */
const HELD_MS = 100;
/** The longest a request may take: up to 25 s of waiting for a run, and its answer. */
const ANSWERED_WITHIN_MS = 30_000;

/** Listens; `close` answers the open requests first. Port 0 takes a free port. */
export async function serve(app: RequestListener, host: string, port: number, maxConnections?: number) {
  const answering = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  let isClosing = false;
  /** Resolves once nobody can connect any more. Requests that come before are held until then. */
  let unreachable: Promise<unknown> | undefined;
  const listener = withoutFloods((request, response) => {
    answering.add(response);
    response.once("close", () => answering.delete(response));
    // Node sends `Connection: close` with the answer, and then closes the connection.
    if (isClosing) response.shouldKeepAlive = false;
    if (unreachable) void unreachable.then(() => app(request, response));
    else app(request, response);
  });
  // Without these options, Node itself would refuse some requests, without an answer of ours.
  // Two Authorization headers are joined, so that they are no credentials: nobody should guess which one counts.
  const options = { requireHostHeader: false, joinDuplicateHeaders: true, ...PATIENCE };
  const server = guardSockets(createServer(options, listener), maxConnections)
    .on("checkExpectation", listener)
    .on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    })
    .listen(port, host);
  await once(server, "listening").catch((error) => {
    throw portProblem(error, "PORT", host, port);
  });

  /**
   * No request is lost. Clients with a connection are told to leave it with their next answer. Only then the server stops listening,
   * at a moment when the clients wait for answers and do not connect.
   */
  async function close(): Promise<void> {
    isClosing = true;
    for (const response of answering) response.shouldKeepAlive = false;
    if (sockets.size > 0) await pauseFor(LEAVING_MS);
    const closed = once(server, "close");
    unreachable = sockets.size > 0 ? pauseFor(HELD_MS) : Promise.resolve();
    unreachable = unreachable.then(() => server.close());
    await unreachable;
    // Node does not close a connection on which nothing has come yet. Of one that was just made, the request is on its way.
    const unasked = setTimeout(() => {
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    }, LEAVING_MS);
    const tooLong = setTimeout(() => server.closeAllConnections(), ANSWERED_WITHIN_MS);
    await closed;
    clearTimeout(unasked);
    clearTimeout(tooLong);
  }

  return {
    port: (server.address() as AddressInfo).port,
    close,
    waitsFor: () =>
      answering.size === 0 ? undefined : `${answering.size} requests, at most ${ANSWERED_WITHIN_MS / 1000} s`,
  };
}

const OF_THE_HOST = ["ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL", "EINVAL"];

/** Says why a port can't be listened on, and which variable sets another one. */
export function portProblem(error: NodeJS.ErrnoException, variable: string, host: string, port: number): ConfigError {
  if (OF_THE_HOST.includes(error.code ?? ""))
    return new ConfigError(`${host} is no address of this machine (${error.code}). Set HOST to another one.`);
  const reason = error.code === "EADDRINUSE" ? "is taken" : `can't be used (${error.code})`;
  return new ConfigError(`Port ${port} on ${host} ${reason}. Set ${variable} to another port.`);
}
