import { afterAll, beforeAll } from "vitest";
import { type Stack, startStack } from "../../stack/harness.ts";
import type { OwnServer } from "../../stack/own-servers.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import type { SharedServers } from "../../stack/shared-servers.ts";

/** For all tests of a file: a stack over a server of its own, for them to take away. */
export function stackOver<Server extends OwnServer & Partial<SharedServers>>(startServer: () => Promise<Server>) {
  const own = {} as { server: Server; stack: Stack; on: Scenario };
  beforeAll(async () => {
    own.server = await startServer();
    own.stack = await startStack({ servers: own.server, logLevel: "silent" });
    own.on = scenarioOn(own.stack);
  });
  afterAll(async () => {
    await own.stack?.stop();
    await own.server?.remove();
  });
  return own;
}
