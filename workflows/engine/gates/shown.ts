/** What a gate shows, in the order of the parts of its hash. */
export const SHOWN = ["title", "text", "payload", "links", "form", "options"] as const;
export type ShownField = (typeof SHOWN)[number];

/** The hash of what a gate shows: its attempt, and a part for each field, so that it can be told which of them has changed. */
export const shownHash = (attempt: number, parts = ""): string => `${attempt}${parts}`;

/** The parts of a hash; none of a gate that shows nothing. `partOf`: of a field that it shows. */
export const hashParts = (partOf: (field: ShownField) => string | undefined): string =>
  SHOWN.map((field) => `.${partOf(field) ?? ""}`).join("");

/** What stands for the form. Who has checked values by it says so with this. */
export const formHash = (parts = ""): string | undefined => parts.split(".")[SHOWN.indexOf("form") + 1] || undefined;

export const attemptIn = (hash: string): number => Number(hash.split(".")[0]);

/** The fields that are not what they were when the other hash was shown. */
export function changedSince(hash: string, other: string): string[] {
  if (hash === other) return [];
  const [, ...parts] = hash.split(".");
  const [, ...others] = other.split(".");
  const changed = SHOWN.filter((_, n) => (parts[n] ?? "") !== (others[n] ?? ""));
  return changed.length > 0 ? changed : ["shown_hash"];
}
