import { Problem } from "../errors.ts";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An id out of a path. One that no id can look like is as unknown as any other (contract §1), and never reaches Postgres or Temporal. */
export function knownId(text: string, notFound: string): string {
  if (ID.test(text)) return text;
  throw new Problem("not_found", notFound);
}
