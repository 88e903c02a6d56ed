import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server that a test may break. */
export interface Proxy {
  address: string;
  /** Resets what goes through, and whatever comes, until it is mended. */
  break(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function startProxy(to: string): Promise<Proxy> {
  const [host = "", port] = to.split(":");
  const sockets = new Set<Socket>();
  let isBroken = false;
  const server = createServer((near) => {
    if (isBroken) return near.resetAndDestroy();
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    break() {
      isBroken = true;
      cut();
    },
    mend() {
      isBroken = false;
    },
    async close() {
      server.close();
      cut();
    },
  };
}
