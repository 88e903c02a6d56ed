import { randomInt } from "node:crypto";

/** `ver_` and twelve of [0-9a-z]. */
export function newVersionId(): string {
  return `ver_${Array.from({ length: 12 }, () => randomInt(36).toString(36)).join("")}`;
}
