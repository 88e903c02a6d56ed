/** Something that is told of a gate or a run: its name, and the text. */
export type Fact = [name: string, text: string];

/** Without those of which there is nothing to tell. */
export const knownFacts = (facts: [name: string, text: string | undefined][]): Fact[] =>
  facts.filter((fact): fact is Fact => Boolean(fact[1]));
