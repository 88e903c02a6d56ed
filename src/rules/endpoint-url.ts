import ipaddr from "ipaddr.js";

const PORTS = ["", "80", "443", "8080", "8443", "3000", "4000", "5000", "9000"];
const LOCAL_NAMES = /^(localhost|.*\.localhost|metadata|metadata\.google\.internal)$/;

/**
 * What is wrong with a job's endpoint (docs/definitions.md, How a job is called), in words that follow
 * "invalid endpoint_url: ", or undefined.
 */
export function endpointProblem(url: string, allowPrivate: boolean): string | undefined {
  const parsed = URL.parse(url);
  if (!parsed || !["http:", "https:"].includes(parsed.protocol)) return "uRL must be an http or https URL";
  if (parsed.username || parsed.password) return "uRL must not contain credentials";
  if (allowPrivate) return undefined;
  if (!isPublicHost(parsed.hostname)) return "uRL must not point to private or loopback addresses";
  if (!PORTS.includes(parsed.port)) return `uRL port must be one of ${PORTS.filter(Boolean).join(", ")}`;
  return undefined;
}

/** False for local names and private addresses. What other names resolve to is checked when they are called. */
function isPublicHost(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  return ipaddr.isValid(host) ? isPublicAddress(host) : host !== "" && !LOCAL_NAMES.test(host);
}

const IPV4_COMPATIBLE = ipaddr.IPv6.parseCIDR("::/96");

/**
 * Loopback, link-local, private, CGNAT, ULA, multicast, reserved, and what may lead to an IPv4 address behind it (NAT64, 6to4,
 * Teredo): everything but unicast is not public.
 */
export function isPublicAddress(text: string): boolean {
  const address = ipaddr.process(text);
  if (address.range() !== "unicast") return false;
  return !(address instanceof ipaddr.IPv6 && address.match(IPV4_COMPATIBLE));
}
