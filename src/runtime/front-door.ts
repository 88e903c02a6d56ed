import type { RequestListener } from "node:http";
import type { Logger } from "pino";
import { serve } from "./http-server.ts";
import type { Running } from "./process.ts";
import type { Config } from "../config.ts";
import { createStartingApp } from "../http/starting-app.ts";

/**
 * Where the API is reached: once it can answer, or has to wait for what it needs. It is not opened before: behind a proxy, a process
 * that refuses connections for the second of its start costs no request, and one that answers 503 does.
 */
export function frontDoor(config: Config, { log, onStop }: Running & { log: Logger }) {
  let awaited: string | undefined;
  let app: RequestListener = createStartingApp(config, log, () => awaited);
  let opened: ReturnType<typeof serve> | undefined;
  const open = () => (opened ??= serve((request, response) => app(request, response), config.host, config.port));
  return {
    async waits(component: string | undefined): Promise<void> {
      awaited = component;
      await open();
    },
    /** From here on it is closed before what the app needs. */
    async leadsTo(ready: RequestListener) {
      app = ready;
      const server = await open();
      onStop(server.close, server.waitsFor);
      return server;
    },
  };
}
