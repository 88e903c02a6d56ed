import type { Logger } from "pino";

/** What the log says of an outage: that it has begun, with its reason, and that it is over. Each once, however often it is tried. */
export function outageLine(log: Pick<Logger, "warn" | "info">, begins: string, ends: string) {
  let isOn = false;
  return {
    began(err: unknown): void {
      if (!isOn) log.warn({ err }, begins);
      isOn = true;
    },
    ended(): void {
      if (isOn) log.info(ends);
      isOn = false;
    },
  };
}
