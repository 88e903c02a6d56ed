import { once } from "node:events";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as pauseFor } from "node:timers/promises";
import { ConfigError } from "../config.ts";
import { guardSockets, PATIENCE, withoutFloods } from "../http/sockets.ts";

/** For so long a server that closes takes new requests: the busy clients of its connections are told to leave by then. */
const LEAVING_MS = 1_000;
/** For so long it then keeps what comes unanswered: clients that wait for an answer make no more connections. */
const HELD_MS = 100;
/** The longest that a request may take, as its client was promised: 25 s of waiting for a run, and the answer. */
const ANSWERED_WITHIN_MS = 30_000;

/** Listens, and on `close` answers the requests it has before it goes. Port 0 takes a free one. */
export async function serve(app: RequestListener, host: string, port: number, maxConnections?: number) {
  const answering = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  let isClosing = false;
  /** Resolves once nobody can connect any more; until then what comes is held. */
  let unreachable: Promise<unknown> | undefined;
  const listener = withoutFloods((request, response) => {
    answering.add(response);
    response.once("close", () => answering.delete(response));
    // Node says `Connection: close` with the answer, and closes the connection after it.
    if (isClosing) response.shouldKeepAlive = false;
    if (unreachable) void unreachable.then(() => app(request, response));
    else app(request, response);
  });
  // What Node would refuse by itself, it refuses without a word, or not in ours.
  // Two Authorization headers are joined, and so no credentials: which of them counts is for nobody to guess.
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
   * No request is lost by it. Whoever has a connection is told with the next answer to make no further use of it, and
   * only then nobody can connect any more: at a moment when nobody tries to.
   */
  async function close(): Promise<void> {
    isClosing = true;
    for (const response of answering) response.shouldKeepAlive = false;
    if (sockets.size > 0) await pauseFor(LEAVING_MS);
    const closed = once(server, "close");
    unreachable = sockets.size > 0 ? pauseFor(HELD_MS) : Promise.resolve();
    unreachable = unreachable.then(() => {
      server.close();
      // Node takes a connection on which nothing has come yet for a busy one.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    });
    const tooLong = setTimeout(() => server.closeAllConnections(), ANSWERED_WITHIN_MS);
    await closed;
    clearTimeout(tooLong);
  }

  return {
    port: (server.address() as AddressInfo).port,
    close,
    waitsFor: () =>
      answering.size === 0 ? undefined : `${answering.size} requests, at most ${ANSWERED_WITHIN_MS / 1000} s`,
  };
}

/** Why a port can't be listened on, and the variable that moves it. */
export function portProblem(error: NodeJS.ErrnoException, variable: string, host: string, port: number): ConfigError {
  const reason = error.code === "EADDRINUSE" ? "is taken" : `can't be used (${error.code})`;
  return new ConfigError(`Port ${port} on ${host} ${reason}. Set ${variable} to another port.`);
}
