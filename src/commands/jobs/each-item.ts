import pMap from "p-map";
import type { FailedItem } from "../../contract/answers/problem.ts";
import { Problem } from "../../errors.ts";

/**
 * Makes each item of a request as one alone would be made, `concurrency` at once. What is wrong with one, or was when it was
 * parsed, is that one's own outcome.
 */
export const eachItem = <Body, Made extends object>(
  items: (Body | Problem)[],
  concurrency: number,
  make: (body: Body, index: number) => Promise<Made>,
): Promise<(({ index: number } & Made) | FailedItem)[]> =>
  pMap(
    items,
    async (item, index) => {
      try {
        if (item instanceof Problem) throw item;
        return { index, ...(await make(item, index)) };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const { code, message, details } = error;
        return { index, status: "failed" as const, code, error: message, details };
      }
    },
    { concurrency },
  );
