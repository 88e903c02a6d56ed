import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { answerClientError } from "../http/client-errors.ts";

const DRAIN_MS = 10_000;

/** Listens, and on `close` answers the requests it has before it goes. Port 0 takes a free one. */
export async function serve(app: RequestListener, host: string, port: number) {
  // What Node would refuse by itself, it refuses without a word, or not in the contract's.
  // Two Authorization headers are joined, and so no credentials: which of them counts is for nobody to guess.
  const server = createServer({ requireHostHeader: false, joinDuplicateHeaders: true }, app)
    .on("checkExpectation", app)
    .on("connect", (_request, socket) => answerClientError(new Error("not a proxy"), socket))
    .on("clientError", answerClientError)
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
