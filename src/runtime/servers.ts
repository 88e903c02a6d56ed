import pg from "pg";
import { reasonOf, type Server } from "./reach.ts";
import type { Config } from "../config.ts";
import { NoSuchNamespace, type TemporalServer } from "../temporal/connection.ts";

// The servers that a process needs, with the words for what no waiting helps against.

/** No authority that is named helps against it. */
const outOfTime = (server: string, reason: string) =>
  `${server} has a certificate that is not valid now (${reason}): renew it, or its authority's.`;

export function postgresOf({ databaseUrl }: Pick<Config, "databaseUrl">): Server {
  const { host, pathname, searchParams } = new URL(databaseUrl);
  const [at, database] = [host || "the local socket", pathname.slice(1)];
  const server = `PostgreSQL at ${at}`;
  const refusal = (error: unknown) => {
    const code = String(Reflect.get(Object(error), "code"));
    const reason = reasonOf(error);
    if (/no encryption|SSL off/.test(reason))
      return `${server} takes encrypted connections only: add sslmode=verify-full to DATABASE_URL.`;
    if (/client certificate/.test(reason))
      return `${server} asks for a client certificate: add sslcert and sslkey to DATABASE_URL.`;
    if (/does not support SSL/.test(reason))
      return `${server} does not encrypt: take sslmode and sslrootcert out of DATABASE_URL, unset PGSSLMODE and PGSSLROOTCERT, or turn its ssl on.`;
    // As TLS calls what the other side refuses.
    if (/_ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA)$/.test(code))
      return `${server} refuses the client certificate that DATABASE_URL names with sslcert (${reason}).`;
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
      return `${server} has a certificate for another name (${reason}): DATABASE_URL has to name the host as its certificate does.`;
    if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code)) return outOfTime(server, reason);
    if (/CERT|ISSUER|UNABLE_TO_/.test(code))
      return `${server} has a certificate that is not trusted (${reason}): DATABASE_URL names its authority's with sslrootcert.`;
    if (error instanceof pg.DatabaseError && code.startsWith("28")) {
      const told = searchParams.has("sslcert")
        ? "the user, the password or the client certificate"
        : "the user or the password";
      return `${server} refuses ${told} of DATABASE_URL.`;
    }
    if (code === "42P01")
      return `${server} has no tables of ours in database ${database}: start the API or a worker on it first, or set DATABASE_URL to another.`;
    if (code === "3D000") return `${server} has no database ${database}: create it, or set DATABASE_URL to another.`;
    return undefined;
  };
  return { name: "PostgreSQL", component: "postgres", variable: "DATABASE_URL", at, refusal };
}

export function temporalOf({ temporalAddress: at, temporalApiKey }: TemporalServer): Server {
  const refusal = (error: unknown) => {
    if (error instanceof NoSuchNamespace)
      return `Temporal at ${at} has no namespace ${error.namespace}: create it, or set TEMPORAL_NAMESPACE to another.`;
    const { message } = error instanceof Error ? error : { message: "" };
    const [, alert] = /received fatal alert: (\w+)/.exec(message) ?? [];
    if (alert === "CertificateRequired")
      return `Temporal at ${at} asks for a client certificate: set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.`;
    if (alert) return `Temporal at ${at} refuses the certificate of TEMPORAL_TLS_CLIENT_CERT_PATH (${alert}).`;
    if (message.includes("InvalidCertificate(NotValidForName"))
      return `Temporal at ${at} has a certificate for another name: set TEMPORAL_TLS_SERVER_NAME to one that it is for.`;
    const [, time] = /InvalidCertificate\((Expired|NotValidYet)/.exec(message) ?? [];
    if (time) return outOfTime(`Temporal at ${at}`, time);
    const [, distrust] = /InvalidCertificate\((\w+)/.exec(message) ?? [];
    if (distrust)
      return `Temporal at ${at} has a certificate that is not trusted (${distrust}): set TEMPORAL_TLS_SERVER_CA_CERT_PATH to that of its authority.`;
    if (message.includes("InvalidMessage(InvalidContentType)"))
      return `Temporal at ${at} does not encrypt: set TEMPORAL_TLS to false, and nothing that goes with it.`;
    if (!/valid authentication credentials|does not have permission/.test(message)) return undefined;
    return temporalApiKey === undefined
      ? `Temporal at ${at} asks for a key: set TEMPORAL_API_KEY.`
      : `Temporal at ${at} refuses the key of TEMPORAL_API_KEY.`;
  };
  return { name: "Temporal", component: "temporal", variable: "TEMPORAL_ADDRESS", at, refusal };
}
