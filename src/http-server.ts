import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { answerClientError } from "./http/client-errors.ts";

const DRAIN_MS = 10_000;

/** Listens, and on `close` answers the requests it has before it goes. Port 0 takes a free one. */
export async function serve(app: RequestListener, host: string, port: number) {
  const server = createServer(app).on("clientError", answerClientError).listen(port, host);
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
