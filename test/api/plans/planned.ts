import type { Stack } from "../../stack/harness.ts";
import { ok } from "../definitions.ts";

/** What a request would do, on a stack that is made later. */
export const planOn =
  (stack: () => Stack) =>
  <Plan>(method: string, path: string, body?: unknown) =>
    ok<Plan>(stack(), method, `/v1/${path}?dryRun=true`, body);
