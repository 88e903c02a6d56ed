import { createServer, type Server } from "node:net";
import { portProblem } from "../runtime/http-server.ts";

/** Throws a ConfigError that names the first port that can't be listened on, and the variable that moves it. */
export async function assertFree(ports: { variable: string; port: number; host: string }[]): Promise<void> {
  const held: Server[] = [];
  try {
    // All ports are held until the end, so that one that is asked for twice is noticed.
    for (const { variable, port, host } of ports) held.push(await hold(variable, port, host));
  } finally {
    await Promise.all(held.map((server) => new Promise((closed) => server.close(closed))));
  }
}

export async function freePort(): Promise<number> {
  const server = await hold("", 0, "127.0.0.1");
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" && address ? address.port : 0;
}

function hold(variable: string, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(portProblem(error, variable, host, port));
    });
    server.listen(port, host, () => resolve(server));
  });
}
