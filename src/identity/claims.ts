import { z } from "zod";
import { line } from "../contract/fields.ts";

const names = z.array(line(255).min(1));

/** What is read of a token. `exp` is required: jsonwebtoken checks it only if it is there. Without projects or scopes it has none. */
export const tokenClaims = z.object({
  sub: line(255).min(1),
  exp: z.number(),
  projects: z.union([z.literal("*"), names]).catch([]),
  groups: names.catch([]),
  scopes: z.union([names, z.string().transform((text) => text.split(" ").filter(Boolean))]).catch([]),
});
