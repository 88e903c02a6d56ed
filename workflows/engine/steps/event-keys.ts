export const MAX_EVENT_KEY_BYTES = 512;

/** Types whose steps listen under a key of our own making. */
const OWN_KEYS = ["approval", "sleep"] as const;

/** The key of one such step. */
export const ownKey = (type: (typeof OWN_KEYS)[number], runId: string, stepRef: string): string =>
  `${type}:${runId}:${stepRef}`;

const RESERVED = OWN_KEYS.map((type) => `${type}:`);

/**
 * What is wrong with a key that a definition names, or that one of its templates has made. Whoever waited for a key of our
 * own making would take what is sent to another run.
 */
export const reservedKeyProblem = (key: string): string | undefined =>
  RESERVED.some((prefix) => key.startsWith(prefix))
    ? `must not begin with ${RESERVED.join(" or ")}, which are reserved`
    : undefined;
