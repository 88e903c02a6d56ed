import { expect, test } from "vitest";
import { startMetrics } from "../../src/runtime/metrics/metrics.ts";
import { serve } from "../../src/runtime/http-server.ts";

const series = (type: string, le: string) => `temporal_latency_bucket{queue="q",workflow_type="${type}",le="${le}"}`;

/** As the SDK tells of workflow types. */
const toldBySdk = (types: string[], value: number) =>
  [
    "# HELP temporal_latency A histogram",
    "# TYPE temporal_latency histogram",
    ...types.flatMap((type) => [`${series(type, "0.1")} ${value}`, `${series(type, "+Inf")} ${value + 0.5}`]),
    "# HELP temporal_pollers A gauge",
    'temporal_pollers{queue="q"} 5',
  ].join("\n");

test("of the SDK's workflow types the first hundred are told by name for good, and all others as one", async () => {
  const metrics = await startMetrics();
  const [host = "", port] = metrics.sdkAt.split(":");
  let told = "";
  const sdk = await serve((_, response) => void response.end(told), host, Number(port));
  const scraped = async (types: string[], value: number) => {
    told = toldBySdk(types, value);
    const text = await metrics.text();
    return text.slice(text.indexOf("# HELP temporal_latency")).split("\n");
  };
  const first = ['a \\" quoted one', ...Array.from({ length: 89 }, (_, n) => `first-${n}`)];
  expect(await scraped(first, 1)).toEqual(toldBySdk(first, 1).split("\n"));

  // One is named as all others are.
  const later = ["other", ...Array.from({ length: 60 }, (_, n) => `later-${n}`)];
  const lines = await scraped([...later, ...first], 2);
  const named = [...later.slice(1, 11), ...first];
  const isOf = (types: string[]) => (line: string) => types.some((type) => line.includes(`workflow_type="${type}"`));
  expect(lines.filter(isOf(named))).toHaveLength(200);
  expect(lines.filter(isOf(later.slice(11)))).toEqual([]);
  expect(lines.slice(0, 4)).toEqual([
    ...toldBySdk([], 0).split("\n").slice(0, 2),
    ...[`${series("other", "0.1")} ${51 * 2}`, `${series("other", "+Inf")} ${51 * 2.5}`],
  ]);
  expect(lines.filter(isOf(["other"]))).toHaveLength(2);
  expect(lines.at(-1)).toBe('temporal_pollers{queue="q"} 5');
  await sdk.close();
});
