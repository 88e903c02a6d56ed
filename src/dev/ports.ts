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

/** Below the ports that systems, by default, give to whoever asks for any, or connects: one of those may be taken before it is used. */
const OURS = { from: 10_000, count: 22_000 };
/** Processes that look for ports at the same time begin at different ones. */
const EACH = 32;
let tried = process.pid * EACH;

/** A port of this machine that nobody listens on, and that nobody is given by chance before it is used. */
export async function freePort(): Promise<number> {
  for (let left = OURS.count; ; left--) {
    const port = OURS.from + (tried++ % OURS.count);
    try {
      await assertFree([{ variable: "", port, host: "127.0.0.1" }]);
      return port;
    } catch (error) {
      if (left === 0) throw error;
    }
  }
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
