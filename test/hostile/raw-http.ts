import { once } from "node:events";
import { connect } from "node:net";
import { parseJson } from "../../src/contract/json.ts";
import type { Answered, Stack } from "../stack/harness.ts";

/** Bytes as they are, past what an HTTP client would let through, and the one answer to them. */
export async function send({ apiUrl }: Stack, lines: string[], body: string | Buffer = ""): Promise<Answered<unknown>> {
  const { hostname, port } = new URL(apiUrl);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // Whoever answers before the body's end may close before it too.
  socket.on("error", () => {});
  socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body as never)]));
  await once(socket, "close");
  const [head = "", ...rest] = Buffer.concat(chunks).toString().split("\r\n\r\n");
  const [status = "", ...fields] = head.split("\r\n");
  const headers = new Headers(fields.map((field) => field.split(/: (.*)/).slice(0, 2) as [string, string]));
  const text = rest.join("\r\n\r\n");
  return { status: Number(status.split(" ")[1]), headers, body: text === "" ? "" : parseJson(text) };
}
/** A request of the head as it is given, by ada unless it says who. */
export const rawRequest = (
  stack: Stack,
  method: string,
  path: string,
  headers: string[] = [],
  body: string | Buffer = "",
) =>
  send(
    stack,
    [
      `${method} ${path} HTTP/1.1`,
      "Host: localhost",
      "Connection: close",
      ...(headers.some((header) => /^authorization/i.test(header)) ? [] : [`Authorization: Bearer ${stack.token()}`]),
      ...(body.length > 0 && !headers.some((header) => /^(content-length|transfer-encoding)/i.test(header))
        ? [`Content-Length: ${Buffer.byteLength(body)}`]
        : []),
      ...headers,
    ],
    body,
  );
