import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { TLSSocket } from "node:tls";
import { pemOf, type Signed } from "./certificates.ts";

/** What says that it encrypts, as PostgreSQL does, and shows a certificate. Nobody gets further. */
export async function postgresShowing(signed: Signed): Promise<{ at: string; close(): void }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("S");
      new TLSSocket(socket, { isServer: true, ...pemOf(signed) }).on("error", () => socket.destroy());
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { at: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}
