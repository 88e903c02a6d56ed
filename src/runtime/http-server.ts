import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { guardSockets, PATIENCE, withoutFloods } from "../http/sockets.ts";

const DRAIN_MS = 10_000;

/** Listens, and on `close` answers the requests it has before it goes. Port 0 takes a free one. */
export async function serve(app: RequestListener, host: string, port: number, maxConnections?: number) {
  const listener = withoutFloods(app);
  // What Node would refuse by itself, it refuses without a word, or not in the contract's.
  // Two Authorization headers are joined, and so no credentials: which of them counts is for nobody to guess.
  const options = { requireHostHeader: false, joinDuplicateHeaders: true, ...PATIENCE };
  const server = guardSockets(createServer(options, listener), maxConnections)
    .on("checkExpectation", listener)
    .listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      const tooLong = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(tooLong);
    },
  };
}
