import type { DataConverter, Payload, PayloadCodec } from "@temporalio/common";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";

/** Smaller payloads stay readable in the Web UI and in `temporal workflow show`. */
const LARGE = 128 * 1024;
/** None of our payloads is larger. Others may write to the same server, so unpacking is limited. */
const LARGEST = 256 * 1024 * 1024;
const GZIP = "binary/gzip";

const pack = promisify(gzip);
const unpack = promisify(gunzip);
const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString();

/** A run of thousands of steps has a state of more than the 2 MiB that Temporal takes in one payload. It shrinks to a tenth. */
class LargeGzipped implements PayloadCodec {
  // Most payloads stay as they are, without a promise for each.
  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.some(isLarge) ? Promise.all(payloads.map(encoded)) : payloads;
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.some(isPacked) ? Promise.all(payloads.map(decoded)) : payloads;
  }
}

const isLarge = ({ data }: Payload): boolean => data != null && data.length >= LARGE;

const isPacked = ({ data, metadata }: Payload): boolean => data != null && text(metadata?.encoding) === GZIP;

async function encoded(payload: Payload): Promise<Payload> {
  const { data, metadata } = payload;
  if (!data || !isLarge(payload)) return payload;
  const encoding = { encoding: Buffer.from(GZIP), packed: metadata?.encoding ?? new Uint8Array() };
  return { ...payload, data: await pack(data), metadata: { ...metadata, ...encoding } };
}

async function decoded(payload: Payload): Promise<Payload> {
  const { data, metadata } = payload;
  if (!data || !isPacked(payload)) return payload;
  const { packed = new Uint8Array(), ...others } = metadata ?? {};
  const unpacked = await unpack(data, { maxOutputLength: LARGEST });
  return { ...payload, data: unpacked, metadata: { ...others, encoding: packed } };
}

/** For everything that speaks to Temporal: clients, workers, replays. */
export const dataConverter: DataConverter = { payloadCodecs: [new LargeGzipped()] };
