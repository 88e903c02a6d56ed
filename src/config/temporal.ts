import type { TLSConfig } from "@temporalio/client";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { checkKeyPair, type Context, fileOf } from "./key-pair.ts";
import { certificateFile, host, hostAndPort, keyFile, text } from "./values.ts";

/** Named as Temporal's own CLI and SDKs name them. */
export const temporalVariables = {
  TEMPORAL_ADDRESS: hostAndPort.optional(),
  TEMPORAL_NAMESPACE: text.default("default"),
  TEMPORAL_TLS: z.enum(["true", "false"]).optional(),
  TEMPORAL_TLS_CLIENT_CERT_PATH: certificateFile.optional(),
  TEMPORAL_TLS_CLIENT_KEY_PATH: keyFile.optional(),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificateFile.optional(),
  TEMPORAL_TLS_SERVER_NAME: host.optional(),
  TEMPORAL_API_KEY: z
    .string()
    .regex(/^[!-~]+$/, "must be printable ASCII without spaces")
    .optional(),
};

type Found = Partial<{ [Name in keyof typeof temporalVariables]: z.infer<(typeof temporalVariables)[Name]> }>;

const ONLY_WITH_TLS = [
  "TEMPORAL_TLS_CLIENT_CERT_PATH",
  "TEMPORAL_TLS_CLIENT_KEY_PATH",
  "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
  "TEMPORAL_TLS_SERVER_NAME",
] as const;

/** What is wrong with variables that have to fit each other. */
export function checkTemporal(found: Found, context: Context): void {
  const [first] = ONLY_WITH_TLS.filter((name) => found[name] !== undefined);
  if (first && found.TEMPORAL_TLS === "false")
    context.addIssue({
      ...{ code: "custom", path: ["TEMPORAL_TLS"] },
      message: `is false, but ${first} is set: unset one of them`,
    });
  checkKeyPair(fileOf(found, "TEMPORAL_TLS_CLIENT_CERT_PATH"), fileOf(found, "TEMPORAL_TLS_CLIENT_KEY_PATH"), context);
}

/** How Temporal is to be reached. Without an address it is the development server of this machine, which has neither. */
export function temporalAccess(found: Found): { temporalTls?: TLSConfig; temporalApiKey?: string } {
  const { TEMPORAL_TLS_CLIENT_CERT_PATH: cert, TEMPORAL_TLS_CLIENT_KEY_PATH: key } = found;
  const { TEMPORAL_TLS_SERVER_CA_CERT_PATH: ca, TEMPORAL_API_KEY: apiKey, TEMPORAL_TLS } = found;
  if (found.TEMPORAL_ADDRESS === undefined) return {};
  // A key is not to be sent in the clear, unless its user says so.
  const isTls =
    TEMPORAL_TLS === "true" || apiKey !== undefined || ONLY_WITH_TLS.some((name) => found[name] !== undefined);
  const tls: TLSConfig = {
    serverNameOverride: found.TEMPORAL_TLS_SERVER_NAME,
    serverRootCACertificate: ca === undefined ? undefined : readFileSync(ca),
    clientCertPair: cert && key ? { crt: readFileSync(cert), key: readFileSync(key) } : undefined,
  };
  return { temporalTls: isTls && TEMPORAL_TLS !== "false" ? tls : undefined, temporalApiKey: apiKey };
}
