import { AsyncLocalStorage } from "node:async_hooks";

/** When those for whom something is done are answered, whatever has become of it. */
export const answeredAt = new AsyncLocalStorage<number>();

/** Whether whoever asked has been answered by now: nothing more may take effect for them. */
export const isAnswered = (): boolean => Date.now() >= (answeredAt.getStore() ?? Infinity);
