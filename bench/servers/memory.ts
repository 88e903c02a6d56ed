import { readFileSync } from "node:fs";

/** The most memory a process ever had, as the system counts it. */
export function peakBytes(pid = 0): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}
