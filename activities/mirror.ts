import type { Deps } from "../src/deps.ts";
import { writeMirror } from "../src/store/mirror.ts";
import type { Activities } from "./index.ts";

export function mirror({ db }: Deps): Activities["mirror"] {
  return (rows) => writeMirror(db, rows);
}
