import { once } from "node:events";
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
} from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "node:tls";
import { status } from "@grpc/grpc-js";
import { type Authority, pemOf } from "./tls/certificates.ts";
import { readFileSync } from "node:fs";

interface Guarded {
  address: string;
  close(): void;
}

/** A way to Temporal that is encrypted, for those alone who have a certificate of the authority's. */
export async function temporalOverTls(
  to: string,
  authority: Authority,
  of?: Parameters<Authority["sign"]>[1],
): Promise<Guarded> {
  const [host, port] = to.split(":");
  const options = {
    ...pemOf(authority.sign("temporal", of)),
    ca: readFileSync(authority.cert),
    requestCert: true,
    ALPNProtocols: ["h2"],
  };
  const open = new Set<() => void>();
  const server = createServer(options, (near) => {
    const far = connect(Number(port), host);
    const end = () => {
      near.destroy();
      far.destroy();
      open.delete(end);
    };
    open.add(end);
    for (const socket of [near, far]) socket.on("error", () => {}).on("close", end);
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const end of open) end();
    },
  };
}

/** A way to Temporal for calls alone that have the key. */
export const temporalWithKey = (to: string, key: string): Promise<Guarded> =>
  temporalBehind(to, ({ authorization }) => authorization === `Bearer ${key}`);

/** A way to Temporal on which a call waits until it may pass, or is refused. */
export async function temporalBehind(
  to: string,
  mayPass: (call: IncomingHttpHeaders) => boolean | Promise<boolean>,
): Promise<Guarded> {
  const temporal = connectHttp2(`http://${to}`);
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server()
    .on("session", (session) => sessions.add(session))
    .on("stream", async (near, headers) => {
      near.on("error", () => {});
      if (!(await mayPass(headers))) {
        const refusal = { "grpc-status": status.UNAUTHENTICATED, "grpc-message": "Request unauthorized." };
        near.respond({ ":status": 200, "content-type": "application/grpc", ...refusal }, { endStream: true });
        return;
      }
      const far = temporal.request(headers).on("error", () => {});
      near.pipe(far);
      far.on("response", (answer, flags) => {
        const isOnlyHeaders = Boolean(flags & 1);
        near.respond(answer, { waitForTrailers: !isOnlyHeaders, endStream: isOnlyHeaders });
        if (!isOnlyHeaders) far.pipe(near);
      });
      let trailers = {};
      far.on("trailers", (given) => {
        trailers = given;
      });
      near.on("wantTrailers", () => near.sendTrailers(trailers)).on("close", () => far.close());
    })
    .listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      for (const session of sessions) session.destroy();
      temporal.destroy();
    },
  };
}
