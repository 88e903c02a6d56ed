import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Passes connections on to a port of this machine, and answers late when told to. */
export async function startProxy(to: number) {
  let delayMs = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to, "127.0.0.1");
    client.pipe(upstream);
    upstream.on("data", (data) => {
      if (delayMs === 0) client.write(data);
      else setTimeout(() => client.write(data), delayMs);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true));
      socket
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(socket);
          (socket === client ? upstream : client).destroy();
        });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    /** Each answer, until what is returned is called. */
    async delay(ms: number) {
      delayMs = ms;
      return async () => {
        delayMs = 0;
      };
    },
    async stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
