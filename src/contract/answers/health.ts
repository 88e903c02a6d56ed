import { z } from "zod";

export const health = z.strictObject({ edition: z.literal("community"), status: z.literal("ok") });

const upOrDown = z.enum(["up", "down"]);
const component = z.strictObject({ name: z.string(), status: upOrDown, latency_ms: z.int() });
export type Component = z.output<typeof component>;

export const readiness = z
  .strictObject({ status: upOrDown, components: z.array(component) })
  .meta({ id: "Readiness", description: "What a request needs, and whether each of it is up now." });
export type Readiness = z.output<typeof readiness>;
