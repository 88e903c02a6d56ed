/** A DAG in layers: every step of a layer depends on all steps of the one before. */
export interface Shape {
  name: string;
  /** How many steps each layer has. */
  widths: number[];
}

export const chain = (length: number): Shape => ({
  name: length === 1 ? "1 step" : `chain of ${length}`,
  widths: Array<number>(length).fill(1),
});

export const shapes = {
  one: chain(1),
  chain: chain(5),
  join: { name: "fan-out of 10 + join", widths: [10, 1] },
  fan: { name: "fan-out of 12", widths: [12] },
} satisfies Record<string, Shape>;

export const stepsOf = ({ widths }: Pick<Shape, "widths">): number => widths.reduce((sum, width) => sum + width, 0);

/** The same as the API's step definitions. */
export function definitionOf({ widths }: Pick<Shape, "widths">, jobId: string) {
  const refs = widths.map((width, layer) => Array.from({ length: width }, (_, n) => `step-${layer}-${n}`));
  return refs.flatMap((layer, index) =>
    layer.map((step_ref) => ({ step_ref, job_id: jobId, depends_on: refs[index - 1] ?? [] })),
  );
}
