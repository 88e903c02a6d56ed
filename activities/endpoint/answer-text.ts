import { TextDecoder } from "node:util";
import { EndpointFailure } from "./endpoint-failure.ts";

const CHARSET = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]+))/i;

const BYTE_ORDER_MARKS = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16be", [0xfe, 0xff]],
  ["utf-16le", [0xff, 0xfe]],
] as const;

/** What the bytes 0x80 to 0x9f are, which also those mean who say iso-8859-1 or us-ascii. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/**
 * An answer's text by the charset of its Content-Type; without one it is UTF-8, and a byte order mark goes before both.
 * Nothing is guessed or replaced: throws EndpointFailure for an unknown charset, and for bytes that are none of its.
 */
export function textOf(bytes: Buffer, contentType: string): string {
  if (bytes.length === 0) return "";
  const charset = charsetOf(bytes, contentType);
  const decoder = decoderOf(charset);
  if (!decoder) throw new EndpointFailure("client", `endpoint response has an unknown charset: ${charset}`);
  try {
    return decoded(decoder, bytes);
  } catch {
    const type = contentType && ` (Content-Type ${contentType})`;
    throw new EndpointFailure("client", `endpoint response is not valid ${decoder.encoding}${type}`);
  }
}

/** What can be read of it, for a message. */
export function readableText(bytes: Buffer, contentType: string): string {
  const { encoding } = decoderOf(charsetOf(bytes, contentType)) ?? new TextDecoder();
  return decoded(new TextDecoder(encoding), bytes);
}

function charsetOf(bytes: Buffer, contentType: string): string {
  const [marked] = BYTE_ORDER_MARKS.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte)) ?? [];
  const [, quoted, plain] = CHARSET.exec(contentType) ?? [];
  return marked ?? (quoted || plain || "utf-8");
}

function decoderOf(charset: string): TextDecoder | undefined {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    return undefined;
  }
}

function decoded(decoder: TextDecoder, bytes: Buffer): string {
  if (decoder.encoding !== "windows-1252") return decoder.decode(bytes);
  // Node 20 takes it for iso-8859-1, whose 0x80 to 0x9f are control characters.
  return bytes.toString("latin1").replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80] as string);
}
