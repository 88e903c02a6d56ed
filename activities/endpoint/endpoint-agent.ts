import type { LookupFunction } from "node:net";
import { Agent } from "undici";
import dns from "node:dns";
import { EndpointFailure } from "./endpoint-failure.ts";
import { endpointProblem, isPublicAddress } from "../../src/rules/endpoint-url.ts";

/** How endpoints are reached: the connections, and the rule which addresses they may lead to. */
export interface Endpoints {
  agent: Agent;
  /** Throws for a URL that says itself where it must not lead; names are checked when they are looked up. */
  assertAllowed(url: string): void;
}

export function createEndpoints(allowPrivate: boolean): Endpoints {
  // Time is limited by the caller, over everything at once.
  const limits = { headersTimeout: 0, bodyTimeout: 0 };
  return {
    agent: new Agent(allowPrivate ? limits : { ...limits, connect: { lookup: lookupPublic } }),
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
