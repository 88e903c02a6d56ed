import { z } from "zod";

/** Answers that look into one run. Members without a value are absent. */

export const runLabels = z.strictObject({ labels: z.record(z.string(), z.string()) }).meta({ id: "RunLabels" });
