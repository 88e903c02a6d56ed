import type { LookupFunction } from "node:net";
import { Agent } from "undici";
import dns from "node:dns";
import { EndpointFailure } from "./endpoint-failure.ts";
import { endpointProblem, isPublicAddress } from "../../src/rules/endpoint-url.ts";
import { Presence } from "../../src/time/presence.ts";

/** Shorter than the 2 s by which undici gives up an idle connection before its endpoint would close it. Its timers stand still, too. */
const STOOD_STILL_MS = 1_000;

/** How endpoints are reached: the connections, and the rule which addresses they may lead to. */
export interface Endpoints {
  /** To be asked for at each request: after this process stood still, it is another one. */
  readonly agent: Agent;
  /** Throws for a URL that says itself where it must not lead; names are checked when they are looked up. */
  assertAllowed(url: string): void;
}

export function createEndpoints(allowPrivate: boolean): Endpoints {
  // Time is limited by the caller, over everything at once.
  const limits = { headersTimeout: 0, bodyTimeout: 0 };
  const connecting = () => new Agent(allowPrivate ? limits : { ...limits, connect: { lookup: lookupPublic } });
  const presence = new Presence(STOOD_STILL_MS);
  let agent = connecting();
  let wasAway = presence.watched(Date.now());
  return {
    get agent() {
      if (wasAway()) {
        // Endpoints may be closing its connections, and a request that is written to such a one is lost. What goes on ends by itself.
        void agent.close();
        agent = connecting();
        wasAway = presence.watched(Date.now());
      }
      return agent;
    },
    assertAllowed(url) {
      const problem = endpointProblem(url, allowPrivate);
      if (problem) throw new EndpointFailure("client", `invalid endpoint_url: ${problem}`);
    },
  };
}

// The address that was checked is the one connected to: checking a name beforehand would leave time to change it.
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error || first === undefined) callback(error ?? leadsInside(), "");
    else if (!addresses.every(({ address }) => isPublicAddress(address))) callback(leadsInside(), "");
    else if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

function leadsInside(): EndpointFailure {
  return new EndpointFailure("client", "invalid endpoint_url: uRL must not point to private or loopback addresses");
}
