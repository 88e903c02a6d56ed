interface Step {
  step_ref: string;
  depends_on: string[];
}

/** Which steps come before a step, directly or not. The steps have no circle. Found out when it is first asked. */
export class Precedence {
  readonly #steps: Step[];
  readonly #index: Map<string, number>;
  readonly #before = new Map<number, Uint32Array>();

  constructor(steps: Step[]) {
    this.#steps = steps;
    this.#index = new Map(steps.map(({ step_ref }, i) => [step_ref, i]));
  }

  isStep(ref: string): boolean {
    return this.#index.has(ref);
  }

  comesBefore(earlier: string, step: string): boolean {
    const [e, s] = [this.#index.get(earlier), this.#index.get(step)];
    if (e === undefined || s === undefined) return false;
    return has(this.#before.get(s) ?? this.#find(s), e);
  }

  /** One bit a step: sets of a thousand steps each would take most of the time of a large definition. */
  #find(step: number): Uint32Array {
    const open = [step];
    for (let i = open.at(-1); i !== undefined; i = open.at(-1)) {
      if (this.#before.has(i)) {
        open.pop();
        continue;
      }
      const parents = (this.#steps[i] as Step).depends_on.map((ref) => this.#index.get(ref) as number);
      const unknown = parents.filter((parent) => !this.#before.has(parent));
      if (unknown.length > 0) open.push(...unknown);
      else this.#before.set(i, this.#joined(parents));
    }
    return this.#before.get(step) as Uint32Array;
  }

  #joined(parents: number[]): Uint32Array {
    const all = new Uint32Array(Math.ceil(this.#steps.length / 32));
    for (const parent of parents) {
      const before = this.#before.get(parent) as Uint32Array;
      for (let word = 0; word < all.length; word++) all[word] = (all[word] as number) | (before[word] as number);
      all[parent >> 5] = (all[parent >> 5] as number) | (1 << (parent & 31));
    }
    return all;
  }
}

const has = (bits: Uint32Array, i: number): boolean => (((bits[i >> 5] ?? 0) >>> (i & 31)) & 1) === 1;
