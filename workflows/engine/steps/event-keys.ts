/** Keys of our own making: an approval's and a sleep's. Whoever waited for one of those would take what is sent to another run. */
const RESERVED = ["approval:", "sleep:"];

/** What is wrong with a key that a definition names, or that one of its templates has made. */
export const reservedKeyProblem = (key: string): string | undefined =>
  RESERVED.some((prefix) => key.startsWith(prefix))
    ? `must not begin with ${RESERVED.join(" or ")}, which are reserved`
    : undefined;
