/** What is said of a reference into the output of a step: `outputs.price.amount has no value`. */
const LACKING = /\b(?:parent_)?outputs(?:\.([\w-]+)|\["([^"]+)"\])\S* has no value$/;

/** An error of a simulation. Where it comes of an output that was assumed, for which nothing was given, it says so. */
export function withHint(error: string | undefined, canBeGiven: (step_ref: string) => boolean): string | undefined {
  const [, plain, quoted] = LACKING.exec(error ?? "") ?? [];
  const ref = plain ?? quoted;
  if (!error || ref === undefined || !canBeGiven(ref)) return error || undefined;
  return `${error}: the output of ${ref} is assumed to be empty, outcomes.${ref}.output can say another`;
}
