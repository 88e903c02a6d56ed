import { pipeline, Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import { EndpointFailure } from "./endpoint-failure.ts";

/** What every call says that it takes. */
export const ACCEPT_ENCODING = "gzip, br";

/** As it comes over the wire: an answer of 1 MiB, and what a compression adds to what it cannot compress. */
const MAX_ENCODED_BYTES = 1_048_576 + 16_384;
/** Each has a decoder of its own. */
const MAX_ENCODINGS = 3;

const DECODERS = new Map<string, () => Transform>([
  ["gzip", createGunzip],
  ["x-gzip", createGunzip],
  ["br", createBrotliDecompress],
]);

/**
 * An answer's bytes, its Content-Encoding undone, piece by piece: whoever stops taking them stops the decoding and the
 * reading. Throws EndpointFailure.
 */
export async function* decodedBytes(body: Readable, contentEncoding: string): AsyncGenerator<Buffer> {
  const encodings = contentEncoding
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const applied = encodings.filter((name) => name !== "" && name !== "identity");
  // The last one that was applied is undone first.
  const decoders = applied.flatMap((name) => DECODERS.get(name) ?? []).reverse();
  const isKnown = decoders.length === applied.length && applied.length <= MAX_ENCODINGS;
  let length = 0;

  async function* read(): AsyncGenerator<Buffer> {
    for await (const chunk of wholeBody(body)) {
      // Only now: an answer without a body may have any headers.
      if (!isKnown) throw unknownEncoding(contentEncoding);
      length += chunk.length;
      if (length > MAX_ENCODED_BYTES) throw tooLarge();
      yield chunk;
    }
  }

  try {
    const isPlain = !isKnown || decoders.length === 0;
    yield* isPlain
      ? read()
      : chained(
          Readable.from(read()),
          decoders.map((create) => create()),
        );
  } catch (error) {
    if (error instanceof EndpointFailure) throw error;
    // No bytes at all are no damaged compression, but an empty answer.
    if (length > 0) throw damaged(applied.join(", "));
  } finally {
    body.destroy();
  }
}

/** An error of one ends all that come after it. */
const chained = (source: Readable, streams: Transform[]): Readable =>
  streams.reduce((from: Readable, to) => pipeline(from, to, () => {}), source);

/** The connection has to stay until the end that the answer's own headers tell. */
async function* wholeBody(body: Readable): AsyncGenerator<Buffer> {
  body.on("error", () => {});
  try {
    for await (const chunk of body) yield chunk;
  } catch {
    throw new EndpointFailure("connection", "endpoint response was cut off: connection closed before its end");
  }
}

const unknownEncoding = (name: string) =>
  new EndpointFailure("client", `endpoint response has Content-Encoding ${name}; only gzip and br can be decoded`);

/** It may have been on its way: another try can be answered well. */
const damaged = (encodings: string) =>
  new EndpointFailure("transient", `endpoint response is damaged: it is not valid ${encodings}`);

export const tooLarge = (): EndpointFailure => new EndpointFailure("client", "endpoint response is larger than 1 MiB");
