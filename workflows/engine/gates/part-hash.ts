import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** What stands for a field in the hash of what a gate shows. The sandbox, where this is asked too, has neither crypto nor Buffer. */
export function partHash(text: string): string {
  const bytes = sha256(utf8ToBytes(text));
  let hash = "";
  for (let i = 0; i < 12; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    for (const bits of [a >> 2, (a << 4) | (b >> 4), (b << 2) | (c >> 6), c]) hash += BASE64URL[bits & 63];
  }
  return hash;
}
