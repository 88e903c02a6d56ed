/**
 * Measures each variant once a round, so that whatever the machine does meanwhile hits all of them alike; every other
 * round in the opposite order. The first round only warms up and is not counted.
 */
export async function rounds<Variants extends Record<string, () => Promise<unknown>>>(
  count: number,
  variants: Variants,
): Promise<{ [Name in keyof Variants]: Awaited<ReturnType<Variants[Name]>>[] }> {
  const names = Object.keys(variants);
  const measured: Record<string, unknown[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round <= count; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const result = await variants[name]?.();
      if (round > 0) measured[name]?.push(result);
    }
  }
  return measured as Awaited<ReturnType<typeof rounds<Variants>>>;
}

export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return low + (high - low) * (place - Math.floor(place));
}

export const median = (values: number[]): number => quantile(values, 0.5);

/** The median of the ratios within each round. */
export const ratio = (of: number[], to: number[]): number =>
  median(of.map((value, round) => value / (to[round] ?? Number.NaN)));

/** The median, and from least to most. */
export function spread(values: number[]): string {
  const [least, middle, most] = [0, 0.5, 1].map((q) => short(quantile(values, q)));
  return `${middle} (${least}..${most})`;
}

/** Three digits that count. */
export function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
